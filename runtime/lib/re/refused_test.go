package re_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/larkspur-web/larkspur/cmd/testdata/racetest"
	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/runtime/lib/re"
	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

func eval(expr string, v starlark.StringDict) (starlark.Value, error) {
	return starlark.EvalOptions(new(syntax.FileOptions), new(starlark.Thread), "expr", expr, v)
}

// What RE2 lacks is said, with what to write instead, and so is any other wrong use.
func TestRefused(t *testing.T) {
	racetest.Skip(t)
	v := values(t)
	const why = " is not possible: a pattern is matched in linear time, by RE2, which has none; "
	for expr, want := range map[string]string{
		`compile(r"a(?=b)")`:                              "compile: a lookahead (?=...)" + why + "match what follows too, and take a group of the match, at offset 1 of the pattern",
		`search(r"(?!b)", "a")`:                           "search: a lookahead (?!...)" + why,
		`search(r"(?<=b)a", "a")`:                         "search: a lookbehind (?<=...)" + why,
		`search(r"(?<!b)a", "a")`:                         "search: a lookbehind (?<!...)" + why,
		`search(r"(a)\1", "a")`:                           `search: a backreference \1` + why + "match both, and compare the groups in the script, at offset 3",
		`search(r"(?P<x>a)(?P=x)", "a")`:                  "search: a backreference (?P=...)" + why,
		`search(r"(?>a)", "a")`:                           "search: an atomic group (?>...)" + why + "write (?:...)",
		`search(r"a++", "a")`:                             "search: a possessive quantifier" + why + "leave out the +",
		`search(r"(a)(?(1)b|c)", "a")`:                    "search: a conditional (?(...)...)" + why,
		`search("a{1001}", "a")`:                          "search: {1001} is more than 1000 times, which RE2 does not count",
		`search("(a{100}){100}", "a")`:                    "search: {100} repeats more than 1000 times altogether, or less than none",
		`search("(", "a")`:                                "search: a ) is missing, at offset 1 of the pattern",
		`search("a)", "a")`:                               "search: there is no ( for this ), at offset 1 of the pattern",
		`search("[a", "a")`:                               "search: a ] is missing, at offset 0 of the pattern",
		`search("*", "a")`:                                "search: there is nothing to repeat before *",
		`search("a**", "a")`:                              "search: ** repeats what is repeated already; put (?:...) around that",
		`search("\\", "a")`:                               "search: the pattern ends in a backslash",
		`search(r"\q", "a")`:                              `search: \q means nothing, at offset 0 of the pattern`,
		`search("[b-a]", "a")`:                            "search: invalid character class range: b-a",
		`search("a(?i)", "a")`:                            "search: flags for the whole stand at its beginning; for a part write (?i:...), at offset 1",
		`search("(?P<a b>x)", "a")`:                       "search: the name of a group is written (?P<name>...), of letters, digits and _",
		`search("(?P<a>x)(?P<a>x)", "a")`:                 "search: there are two groups named a",
		`search("a" * 70000, "a")`:                        "search: the pattern has 70000 bytes, more than 65536",
		`search("(?:abc|d){1000}" * 20, "a")`:             "search: the pattern is too large",
		`search("abcde{5}f", "a" * (1 << 25))`:            "search: the text has 33554432 bytes, and the pattern 1",
		`findall("(" * 15 + "a" + ")" * 15, "a" * 70000)`: "findall: there are more than 65536 matches: pass a part of the string",
		`finditer("a", "a" * 210000)`:                     "finditer: there are more than 209715 matches",
		`split("(" * 15 + "a" + ")" * 15, "a" * 70000)`:   "split: there are more than 1048576 matches",
		`sub("a", "b" * 1000000, "a" * 100)`:              "sub: the result would be longer than 67108864 bytes",
		`sub("(a)", r"\2", "a")`:                          `sub: there is no group 2; the pattern has 1, at offset 0 of the template`,
		`sub("(?P<first>a)", r"\g<frist>", "a")`:          `sub: there is no group frist (did you mean first?); the pattern has 1`,
		`sub("a", r"\q", "a")`:                            `sub: \q means nothing; write \\q for a backslash, at offset 0 of the template`,
		`sub("a", "b\\", "a")`:                            `sub: the template ends in a backslash; write \\ for one`,
		`sub("a", 1, "a")`:                                "sub: for parameter repl: got int, want string or callable",
		`sub("a", lambda m: 1, "a")`:                      "sub: repl returned int, not a string",
		`sub("a", lambda m: fail("no"), "a")`:             "fail: no",
		`sub("a", "b", b"a")`:                             "sub: for parameter string: got bytes, want string: str(x) is their text",
		`search(b"a", "a")`:                               "search: for parameter pattern: got bytes, want string: a pattern is for text",
		`search(1, "a")`:                                  "search: for parameter pattern: got int, want string or re.Pattern",
		`search("a", 1)`:                                  "search: for parameter string: got int, want string",
		`search("a")`:                                     "search: missing argument for string",
		`search(compile("a"), "a", I)`:                    "search: a compiled pattern has its flags: pass them to compile",
		`search("a", "a", 4)`:                             "search: there is no LOCALE",
		`search("a", "a", 1024)`:                          "search: 1024 is no flag: put together flags of the module, as in re.I | re.M",
		`search("a", "a", A | U)`:                         "search: ASCII and UNICODE exclude each other",
		`search("a", "a")[1]`:                             "there is no group 1; the pattern has 0",
		`search("a", "a").group(b"")`:                     "group: a group is named by an int or a string, not by bytes",
		`compile("a").search("a", "b")`:                   "search: for parameter pos: got string, want int",
	} {
		got, err := eval(expr, v)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s:\n got %.100v, %v\nwant %s", expr, got, err, want)
		}
	}
}

// What a match and a pattern say of themselves; positions count bytes.
func TestShown(t *testing.T) {
	v := values(t)
	for expr, want := range map[string]string{
		`search("é", "café")`:                           `<re.Match object; span=(3, 5), match="é">`,
		`"café"[search("é", "café").start():]`:          `"é"`,
		`compile("a+", I | M)`:                          `re.compile("a+", re.IGNORECASE|re.MULTILINE)`,
		`compile("(?i)a").flags`:                        `2`,
		`type(compile("a")), type(search("a", "a"))`:    `("re.Pattern", "re.Match")`,
		`bool(search("a", "b")), bool(search("", "b"))`: `(False, True)`,
		`re.I, re.sub("a", "b", "ab")`:                  `(2, "bb")`,
		`findall(r"\p{Greek}+", "aβγ")`:                 `["βγ"]`,
		`findall("[[:digit:]]+", "a12")`:                `["12"]`,
		`findall("(?<x>a)", "a")`:                       `["a"]`,
		`dir(search("a", "a"))`: `["end", "endpos", "expand", "group", "groupdict", "groups", ` +
			`"lastgroup", "lastindex", "pos", "re", "span", "start", "string"]`,
	} {
		got, err := eval(expr, v)
		if err != nil || got.String() != want {
			t.Errorf("%s:\n got %v, %v\nwant %s", expr, got, err, want)
		}
	}
}

// Patterns are shared by all requests of a generation, and the last ones are kept.
func TestConcurrent(t *testing.T) {
	v := values(t)
	compiled, err := eval(`compile(r"\b(\w)(\w*)")`, v)
	if err != nil {
		t.Fatal(err)
	}
	v["compiled"] = compiled
	v.Freeze()
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for n := range 200 {
				v := starlark.StringDict{"n": starlark.MakeInt(n % (100 * (1 + i))), "re": v["re"], "compiled": compiled}
				got, err := eval(`re.sub("(%d)" % n, "<\\1>", str(n)) + compiled.sub("\\2\\1", "ab cd") + str(compiled.match("ab cd", 3)[0])`, v)
				if err != nil || got != starlark.String("<"+v["n"].String()+">ba dccd") {
					t.Error(got, err)
				}
			}
		})
	}
	all.Wait()
}

// Searches that take the square of the length together end with the call.
func TestEnds(t *testing.T) {
	c := &runtime.Config{
		FS: fstest.MapFS{"app.star": {Data: []byte(`
load("@re", "findall")
app = lambda: findall("a*b|a", "a" * (1 << 20))
`)}},
		Modules: []*host.Module{re.Module()},
		Limits:  runtime.Limits{Time: 50 * time.Millisecond},
	}
	p, err := runtime.Load(c, "app.star")
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	err = p.Call(context.Background(), func(
		_ context.Context, t *starlark.Thread, app starlark.Callable,
	) error {
		_, err := starlark.Call(t, app, nil, nil)
		return err
	})
	if !host.TimedOut(err) {
		t.Errorf("got %v, want that the time is over", err)
	}
}

// Any pattern is compiled or refused, and any template filled or refused.
func FuzzPattern(f *testing.F) {
	for _, s := range []string{"", "a", `(?P<x>\w+)[\W-]{,3}\b$`, "(?ix) a # b", `[]\]-[:alpha:]]`, `\N{x}\u00e9`, "(?a-i:", `a{2,1}`, "(?", `[\`, "\xff"} {
		f.Add(s, `\1\g<x>\\`, "aé b\n")
	}
	v := values(f)
	thread := new(starlark.Thread)
	f.Fuzz(func(t *testing.T, pattern, template, text string) {
		p, err := starlark.Call(thread, v["compile"], starlark.Tuple{starlark.String(pattern)}, nil)
		if err != nil {
			return
		}
		s := starlark.String(text)
		for _, name := range []string{"search", "match", "fullmatch", "findall", "finditer", "split"} {
			if _, err := starlark.Call(thread, v[name], starlark.Tuple{p, s}, nil); err != nil {
				t.Errorf("%s(%q, %q): %v", name, pattern, text, err)
			}
		}
		if _, err := starlark.Call(thread, v["sub"], starlark.Tuple{p, starlark.String(template), s}, nil); err != nil &&
			!strings.Contains(err.Error(), "template") {
			t.Errorf("sub(%q, %q, %q): %v", pattern, template, text, err)
		}
		same, err := starlark.Call(thread, v["sub"], starlark.Tuple{p, starlark.String(`\g<0>`), s}, nil)
		if err != nil || same != s {
			t.Errorf("sub(%q, itself, %q) is %v, %v", pattern, text, same, err)
		}
	})
}
