package yaml_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/larkspur-web/larkspur/cmd/testdata/racetest"
	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/runtime/host/hosttest"
	"github.com/larkspur-web/larkspur/runtime/lib/yaml"
	"go.starlark.net/starlark"
)

// loads calls the function of the module.
func loads(t testing.TB, text string) (starlark.Value, error) {
	t.Helper()
	values, err := yaml.Module().Values(new(host.Load))
	if err != nil {
		t.Fatal(err)
	}
	args := starlark.Tuple{starlark.String(text)}
	return starlark.Call(new(starlark.Thread), values["loads"], args, nil)
}

func TestLoads(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{"", `None`}, {"# nothing\n", `None`}, {"---\n", `None`}, {"~", `None`}, {"null", `None`},
		{"hello", `"hello"`}, {"--- hello\n...\n", `"hello"`}, {"%YAML 1.2\n---\na: b", `{"a": "b"}`},
		{"b: 1\na: 2\n", `{"b": 1, "a": 2}`},
		{"- a\n- - b\n  - c\n- d: e\n  f: g\n", `["a", ["b", "c"], {"d": "e", "f": "g"}]`},
		{"a:\n- b\n- c\nd:\n  e:\n    f: g\n", `{"a": ["b", "c"], "d": {"e": {"f": "g"}}}`},
		{"{a: [1, {b: c}], \"d\": 'e'}", `{"a": [1, {"b": "c"}], "d": "e"}`},
		{"a:\nb: ", `{"a": None, "b": None}`},
		{"a: |\n  one\n  two\nb: >\n  one\n  two\n", `{"a": "one\ntwo\n", "b": "one two\n"}`},
		{"a: |-\n  one\nb: |+\n  two\n\n", `{"a": "one", "b": "two\n\n"}`},
		{`a: "\u00e9\n\x41 \"b\""`, `{"a": "é\nA \"b\""}`}, {`a: 'it''s'`, `{"a": "it's"}`},
		{"a: one\n  two\n", `{"a": "one two"}`}, {"a: b # c\n", `{"a": "b"}`}, {"a: b#c", `{"a": "b#c"}`},
		{"a: http://b:80/c", `{"a": "http://b:80/c"}`}, {"? a\n: b\n", `{"a": "b"}`},
		// The core schema of YAML 1.2, and what only 1.1 knows.
		{"[true, True, TRUE, false, yes, no, on, off, y, n]",
			`[True, True, True, False, "yes", "no", "on", "off", "y", "n"]`},
		{"[null, Null, NULL, ~, none, nil]", `[None, None, None, None, "none", "nil"]`},
		{"[0, -1, +2, 0o17, 0x1F, 017, 1_000, 0b11, 12:30:45]",
			`[0, -1, 2, 15, 31, 17, "1_000", "0b11", "12:30:45"]`},
		{"[1.5, .5, 1., 1e3, -1.5E-2, .inf, -.Inf, +.INF, .nan, 1e999]",
			`[1.5, 0.5, 1.0, 1000.0, -0.015, +inf, -inf, +inf, nan, +inf]`},
		{"[1.2.3, 1e, 0x, 0o8, '1', \"true\", 2001-12-14, 1 2]",
			`["1.2.3", "1e", "0x", "0o8", "1", "true", "2001-12-14", "1 2"]`},
		{"a: 123456789012345678901234567890", `{"a": 123456789012345678901234567890}`},
		{"1: a\ntrue: b\n~: c\n1.5: d", `{1: "a", True: "b", None: "c", 1.5: "d"}`},
		{"[!!str 1, !!int '7', !!float 2, !!str true, !!bool 'true', !!null '', ! 5]",
			`["1", 7, 2.0, "true", True, None, "5"]`},
		{"!<tag:yaml.org,2002:str> 1: !<tag:yaml.org,2002:float> 2", `{"1": 2.0}`},
		{"- !!str &x 1\n- *x\n- &y !!str 2\n- *y\n- !!float &z 3\n- *z\n- ! &n 5\n- *n",
			`["1", "1", "2", "2", 3.0, 3.0, "5", "5"]`},
		{"!!str &a1 \"foo\":\n  !!str bar\n&a2 baz : *a1", `{"foo": "bar", "baz": "foo"}`},
		{"- !!str null\n- !!str ~\n- a: !!str\n", `["null", "~", {"a": ""}]`},
		{"a: &x [1]\nb: *x\nc: *x", `{"a": [1], "b": [1], "c": [1]}`},
		{"a: &x 1\nb: &x 2\nc: *x", `{"a": 1, "b": 2, "c": 2}`},
		{"a: &x {b: 1, c: 2}\nd:\n  <<: *x\n  c: 3", `{"a": {"b": 1, "c": 2}, "d": {"c": 3, "b": 1}}`},
		{"a: &x {b: 1}\nc: &y {d: 2}\ne: {<<: [*x, *y], f: 3}",
			`{"a": {"b": 1}, "c": {"d": 2}, "e": {"f": 3, "b": 1, "d": 2}}`},
		{"\ufeffa: b", `{"a": "b"}`}, {"a: b\r\nc: d\r\n", `{"a": "b", "c": "d"}`},
	} {
		v, err := loads(t, test.text)
		if err != nil || v.String() != test.want {
			t.Errorf("%q\n got %v, %v\nwant %s", test.text, v, err, test.want)
		}
	}
}

// laughs is the text of values^levels values in a few lines.
func laughs(levels int) string {
	text := "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
	for i := 1; i < levels; i++ {
		text += fmt.Sprintf("a%d: &a%d [%s*a%d]\n", i, i, strings.Repeat(fmt.Sprintf("*a%d, ", i-1), 9), i-1)
	}
	return text
}

func TestLoadsRefuses(t *testing.T) {
	racetest.Skip(t)
	r := strings.Repeat
	var keys strings.Builder
	for i := range 20_000 {
		fmt.Fprintf(&keys, "k%d: 1\n", i)
	}
	for _, test := range []struct{ text, want string }{
		{"a: 1\na: 2", `loads: line 2, column 1: the key "a" is there already`},
		{"{a: 1, 'a': 2}", `the key "a" is there already`},
		{"1: a\n0x1: b", `loads: line 2, column 1: the key 1 is there already`},
		{"[1", "loads: line 1, column"}, {"{a", "loads: line 1, column"}, {"a: 'b", "loads: line 1, column"},
		{"a: b\n c: d", "loads: line 1, column"}, {"a:\n\tb: c", "loads: line 2, column"},
		{"*a", "there is no anchor &a before it"}, {"a: &a [*a]", "the alias is inside what it stands for"},
		{"a: &a {b: *a}", "the alias is inside what it stands for"},
		{"!!python/object/apply:os.system ['ls']", "the tag !!python/object/apply:os.system is not of the core schema"},
		{"!mine 1", "the tag !mine is not of the core schema"}, {"!!int x", "the tag !!int has a string"},
		{"!!binary aGk=", "the tag !!binary is not of the core schema"},
		{"!<tag:example.org,2002:str> a", "line 1"},
		{"? [a]\n: b", "found an invalid key"}, {"? {a: 1}\n: b", "found an invalid key"},
		{"a: 1\n---\nb: 2", "another document begins"}, {"a:\n  <<: 1", "<< takes a mapping"},
		{laughs(9), "more than 100000 values, those of aliases counted"},
		{"a: &a " + r("x", 1000) + "\nb: [" + r("*a, ", 105_000) + "]", "more than 100000 values"},
		{r("[", 100_000), "nested deeper than 100"}, {r("{a: ", 40_000), "nested deeper than 100"},
		{r("- ", 100_000), "nested deeper than 100"}, {r("? ", 100_000), "nested deeper than 100"},
		{r("&a ", 20_000) + "x", "unexpected scalar value"}, {r("!!str ", 20_000) + "x", "nested deeper than 100"},
		{"[" + r("[],", 105_000) + "]", "more than 100000 values"},
		{keys.String(), "too many keys in one mapping"}, {r("a:\n", 20_000), "too many keys in one mapping"},
		{"? " + r("k", 100_000) + "\n: " + r("- a\n  ", 10_000), "nested too deep for keys that are so long"},
		{r("x", 1<<20+1), "bytes of YAML are more than 1048576"},
	} {
		var v starlark.Value
		var err error
		d := hosttest.CPU(func() { v, err = loads(t, test.text) })
		if err == nil || !strings.Contains(err.Error(), test.want) || host.Panicked(err) {
			t.Errorf("%.60q\n got %.100v, %v\nwant %s", test.text, v, err, test.want)
		}
		if d > 5*time.Second {
			t.Errorf("%.60q took %v", test.text, d)
		}
	}
}

// What is within the limits takes no time to speak of, and what is not is refused as fast.
func TestLoadsIsQuick(t *testing.T) {
	racetest.Skip(t)
	r := strings.Repeat
	nested := func(n int) (s string) {
		for i := range n {
			s += r(" ", i) + "a:\n"
		}
		return s
	}
	rows := func(n int, format string) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, format, i)
		}
		return b.String()
	}
	for name, text := range map[string]string{
		"keys": rows(3000, "k%d: 1\n"), "flow keys": "{" + rows(8000, "k%d: 1, ") + "}",
		"maps": "- " + r(r("a: b\n  ", 1000)+"\n- ", 12) + "x", "rows": r("- a: 1\n  b: 2\n", 5000),
		"anchored keys": rows(3000, "&a%d k: 1\n"), "quoted keys": rows(3000, "\"k%d\": 1\n"),
		"explicit keys": rows(3000, "? k%d\n: 1\n"), "set": rows(5000, "? k%d\n"),
		"deep": nested(95), "quotes": `"` + r("a", 1<<14) + `"`, "escapes": `"` + r(`\n`, 1<<14) + `"`,
		"lines": `"` + r("a\n", 1<<14) + `"`, "words": r("a ", 1<<14), "plain lines": r("a\n", 1<<14),
		"literal": "|\n" + r("  a\n", 1<<14), "folded": ">\n" + r("  a\n", 1<<14),
		"comments": r("# a\n", 1<<14), "newlines": r("\n", 1<<14), "spaces": r(" ", 1<<14) + "a",
		"documents": r("---\n", 1<<14), "elements": r("- a\n", 10_000), "flow": "[" + r("a,\n", 22_000) + "]",
		"single": r("'", 1<<14), "double": r(`"`, 1<<14), "percent": r("%a\n", 1<<14), "bars": r("- |\n", 1<<14),
		"dashes": r("-", 1<<14), "tabs": r("\t", 1<<14), "commas": r(",", 1<<14), "closed": r("]", 1<<14),
		"colons": r(": ", 1<<14), "bangs": r("!", 1<<14), "stars": r("*", 1<<14), "anchors": r("&a\n", 1<<14),
		"one line": r("a: ", 1<<14), "aliases": "- &a b\n" + r("- *a\n", 10_000),
		"long lines": "a: |\n" + r("  "+r("x", 60)+"\n", 4000), "crlf": r("a: b\r\n", 5000),
		"open": r("{a: b}\n", 12_000), "flow in flow": "[" + r("[a: b, {c: d}], ", 2500) + "]",
		"mixed": r("- [a\n", 12_000), "long keys": rows(50, r("k", 5000)+"%d:\n"),
	} {
		var err error
		d := hosttest.CPU(func() { _, err = loads(t, text) })
		if d > 2*time.Second || host.Panicked(err) {
			t.Errorf("%s, %d bytes: took %v: %v", name, len(text), d, err)
		}
		t.Log(name, len(text), d, err)
	}
}

// FuzzLoads verifies that any text is read or refused, and never panics.
func FuzzLoads(f *testing.F) {
	for _, text := range []string{
		"", "a: 1", "- a\n- b: [c, {d: e}]\n", "a: |\n  b\nc: >-\n  d\n", "? a\n: b", "&a [*a]",
		"!!str 1", "a: 'b''c'\nd: \"\\u00e9\"", "<<: {a: 1}", "%YAML 1.2\n--- # c\na\n...", laughs(3),
		"a: &x\n  b: 1\nc:\n  <<: *x\n", "[a: b, ? c]", "{a, b: , c}",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var v starlark.Value
		var err error
		d := hosttest.CPU(func() { v, err = loads(t, text) })
		if host.Panicked(err) {
			t.Fatalf("loads(%q): %v", text, err)
		}
		if err == nil && v == nil {
			t.Fatalf("loads(%q) is nothing", text)
		}
		if d > 20*time.Second {
			t.Fatalf("loads(%q) took %v", text, d)
		}
	})
}
