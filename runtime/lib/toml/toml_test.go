package toml_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/runtime/host/hosttest"
	"github.com/larkspur-web/larkspur/runtime/lib/toml"
	"go.starlark.net/starlark"
)

// loads calls the function of the module.
func loads(t testing.TB, text string) (starlark.Value, error) {
	t.Helper()
	values, err := toml.Module().Values(new(host.Load))
	if err != nil {
		t.Fatal(err)
	}
	args := starlark.Tuple{starlark.String(text)}
	return starlark.Call(new(starlark.Thread), values["loads"], args, nil)
}

func TestLoads(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{"", `{}`},
		{"# a comment\n", `{}`},
		{"b = 1\na = 2\n", `{"b": 1, "a": 2}`},
		{"z.y = 1\nx = 2\nz.a = 3", `{"z": {"y": 1, "a": 3}, "x": 2}`},
		{"[b]\nz = 1\n[a]\ny = 2\n[b.c]\nx = 3", `{"b": {"z": 1, "c": {"x": 3}}, "a": {"y": 2}}`},
		{"[[a]]\nz = 1\nb = 2\n[[a]]\ny = 3\n[a.c]\nd = 4",
			`{"a": [{"z": 1, "b": 2}, {"y": 3, "c": {"d": 4}}]}`},
		{"[[a]]\n[[a.b]]\nz=1\ny=2\n[[a.b]]\n[[a]]\n", `{"a": [{"b": [{"z": 1, "y": 2}, {}]}, {}]}`},
		{"a = {z = 1, b = {y = 2, x = 3}, c.w = 4}", `{"a": {"z": 1, "b": {"y": 2, "x": 3}, "c": {"w": 4}}}`},
		{"a = [{z = 1, b = 2}, {y = [[{d = 1, c = 2}]]}]",
			`{"a": [{"z": 1, "b": 2}, {"y": [[{"d": 1, "c": 2}]]}]}`},
		{`"quoted key" = 'C:\x' # and so on`, `{"quoted key": "C:\\x"}`},
		{"a = \"\"\"\none\ntwo \\\n  three\"\"\"", `{"a": "one\ntwo three"}`},
		{"a = '''\n[x]\n= '''", `{"a": "[x]\n= "}`},
		{`a = "\u00e9 \t \" \\"`, `{"a": "é \t \" \\"}`},
		{"a = [0x1f, 0o17, 0b11, 1_000, -5, +7]", `{"a": [31, 15, 3, 1000, -5, 7]}`},
		{"a = [1.5, 1e3, -0.0, inf, -inf, nan]", `{"a": [1.5, 1000.0, -0.0, +inf, -inf, nan]}`},
		{"a = [true, false]", `{"a": [True, False]}`},
		{"a = 1979-05-27T07:32:00Z", `{"a": 1979-05-27 07:32:00 +0000 UTC}`},
		{"a = 1979-05-27T00:32:00.5-07:00", `{"a": 1979-05-27 00:32:00.5 -0700 -0700}`},
		{"a = 1979-05-27T07:32:00", `{"a": 1979-05-27 07:32:00 +0000 UTC}`},
		{"a = 1979-05-27", `{"a": 1979-05-27 00:00:00 +0000 UTC}`},
		{"a = 07:32:00.25", `{"a": "07:32:00.25"}`},
	} {
		v, err := loads(t, test.text)
		if err != nil || v.String() != test.want {
			t.Errorf("%q\n got %v, %v\nwant %s", test.text, v, err, test.want)
		}
	}
}

func TestLoadsRefuses(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{"a = 1\na = 2", "loads: line 2, column 1: the key is there already"},
		{"[a]\n[a]", "loads: line 2, column"},
		{"a = 1\n[a]\nb = 2", "loads: line 2, column"},
		{"a = {b = 1}\n[a.c]", "loads: line 2, column"},
		{"a", "loads: line 1, column"},
		{"a =", "loads: line 1, column"},
		{"x = 1\ny = [1, 2", "loads: line 2, column"},
		{"a = \"x", "loads: line 1, column"},
		{"a = 1979-13-01", "loads: line 1, column"},
		{"a = 99999999999999999999", "loads: line 1, column"},
		{"a = 01", "loads: line 1, column"},
		{"a = \"\\q\"", "loads: line 1, column"},
		{"a = \"\xff\"", "loads: line 1, column"},
		{"a = 1 b = 2", "loads: line 1, column"},
		{"[a\n", "loads: line 1, column"},
		{"a = " + strings.Repeat("[", 500_000), "loads: line 1: nested deeper than 100"},
		{"a = " + strings.Repeat("{a = ", 200_000), "loads: line 1: nested deeper than 100"},
		{strings.Repeat("a.", 500_000) + "b = 1", "loads: line 1: nested deeper than 100"},
		{"[" + strings.Repeat("a.", 500_000) + "b]", "loads: line 1: nested deeper than 100"},
		{"a = " + strings.Repeat("[", 101) + strings.Repeat("]", 101), "nested deeper than 100"},
		{strings.Repeat("a = 1\n", 20_000), "loads: line 10001: more than 10000 keys"},
		{strings.Repeat("[[a]]\n", 20_000), "loads: line 10001: more than 10000 keys"},
		{"a = '" + strings.Repeat("x", 1<<20) + "'", "bytes of TOML are more than 1048576"},
	} {
		v, err := loads(t, test.text)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%.60q\n got %v, %v\nwant %s", test.text, v, err, test.want)
		}
	}
}

// What is within the limits takes no time to speak of, whatever it is.
func TestLoadsIsQuick(t *testing.T) {
	var keys, tables strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&keys, "key%d = %d\n", i, i)
		fmt.Fprintf(&tables, "[[a.b%d]]\n", i%100)
	}
	for name, text := range map[string]string{
		"keys": keys.String(), "tables": tables.String(), "one array": strings.Repeat("[[a]]\n", 5000),
		"arrays":  "a = [" + strings.Repeat("[],", 75_000) + "]",
		"strings": "a = [" + strings.Repeat(`"",`, 75_000) + "]",
		"escapes": `a = "` + strings.Repeat(`\n`, 125_000) + `"`,
		"deep":    "[" + strings.Repeat("a.", 99) + "b]\n" + strings.Repeat("c.", 99) + "d = 1",
		"nested":  "a = [" + strings.Repeat(strings.Repeat("[", 99)+strings.Repeat("]", 99)+",", 1250) + "]",
		"quotes":  "a = '''" + strings.Repeat("''x", 75_000) + "'''", "lines": strings.Repeat("\n", 1<<18),
	} {
		var err error
		if d := hosttest.CPU(func() { _, err = loads(t, text) }); d > 6*time.Second || err != nil {
			t.Errorf("%s took %v: %v", name, d, err)
		} else {
			t.Log(name, d)
		}
	}
}

// FuzzLoads verifies that any text is read or refused, and never panics.
func FuzzLoads(f *testing.F) {
	for _, text := range []string{
		"", "a = 1", "[a]\nb.c = [1, {d = 2}]\n[[e]]\n", "a = '''\nx'''", "a = 1979-05-27T07:32:00Z",
		"a = inf\nb = 0x1F\n\"c\" = \"\\u00e9\"", "[[a]]\n[[a.b]]\n[a.b.c]\nd={e.f=[]}",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		v, err := loads(t, text)
		if host.Panicked(err) {
			t.Fatalf("loads(%q): %v", text, err)
		}
		if err == nil && v.Type() != "dict" {
			t.Fatalf("loads(%q) is %v", text, v)
		}
	})
}
