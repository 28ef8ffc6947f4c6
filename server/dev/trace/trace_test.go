package trace_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/server/dev/trace"
	"go.starlark.net/starlark"
)

// call loads a script, calls its app(3) under Wrap, and returns the steps and the error.
func call(t *testing.T, script string) (steps uint64, err error) {
	t.Helper()
	live, err := runtime.Load(&runtime.Config{
		FS:     fstest.MapFS{"app.star": &fstest.MapFile{Data: []byte(script)}},
		Limits: runtime.Limits{Steps: 100_000},
	}, "app.star")
	if err != nil {
		t.Fatal(err)
	}
	app := trace.Wrap(live, func(_ context.Context, n uint64, _ error) { steps = n })
	use := func(_ context.Context, t *starlark.Thread, app starlark.Callable) error {
		_, err := starlark.Call(t, app, starlark.Tuple{starlark.MakeInt(3), starlark.None}, nil)
		return err
	}
	err = app.Begin().Call(t.Context(), use)
	return steps, err
}

// TestFrames fails in several ways, and compares the frames: name, place and variables of each,
// innermost first.
func TestFrames(t *testing.T) {
	cases := []struct {
		what, script string
		want         []string
	}{
		{"in a function that is called", `
def app(n, _s):
    words = ["a", "b"]
    return inner(n + 1)
def inner(m):
    half = m // 2
    return half // (m - 4)
    never = 1
`, []string{"inner 7 m=4 half=2", "app 4 n=3 _s=None words=[\"a\", \"b\"]"}},
		{"in a builtin", `
def app(n, _s):
    fail("no", n)
`, []string{"fail 0", "app 3 n=3 _s=None"}},
		{"in a closure", `
def app(n, _s):
    def deep(x):
        return n[x]
    return deep("k")
`, []string{"deep 4 x=\"k\" (n=3)", "app 5 n=3 _s=None deep=<function deep>"}},
		{"beside a closure", `
def app(n, _s):
    total = 1
    def add(x):
        return x + total
    later = lambda: unset
    total = n // (n - 3)
    unset = 1
`, []string{"app 7 n=3 _s=None total=1 add=<function add> later=<function lambda>"}},
		{"raised again after it was caught, and a print", `
def bad(x):
    return x + "s"
def app(n, _s):
    _, err = catch(bad, n)
    print("caught")
    fail(err)
`, []string{"bad 3", "catch 0", "app 5"}},
		{"at a limit", `
def app(n, _s):
    i = n
    while True:
        i += 1
`, []string{"app 5 n=3 _s=None i=..."}},
	}
	for _, c := range cases {
		_, err := call(t, c.script)
		var e *trace.Error
		if !errors.As(err, &e) {
			t.Errorf("%s: the error is %v", c.what, err)
			continue
		}
		var got []string
		for _, f := range e.Frames {
			got = append(got, describe(f))
		}
		if len(got) != len(c.want) {
			t.Errorf("%s: the frames are %q, want %q", c.what, got, c.want)
			continue
		}
		for i := range got {
			want, cut := strings.CutSuffix(c.want[i], "...")
			if got[i] != want && !(cut && strings.HasPrefix(got[i], want)) {
				t.Errorf("%s: frame %d is %q, want %q", c.what, i, got[i], c.want[i])
			}
		}
	}
}

func describe(f trace.Frame) string {
	s := f.Name + " " + starlark.MakeInt(f.Line).String()
	for _, l := range f.Locals {
		if l.Outer {
			s += " (" + l.Name + "=" + l.Value + ")"
		} else {
			s += " " + l.Name + "=" + l.Value
		}
	}
	return s
}

// TestSuccess verifies that a call that succeeds is told of with its steps, and has no error.
func TestSuccess(t *testing.T) {
	steps, err := call(t, "def app(n, _s):\n    return [x for x in range(100)]\n")
	if err != nil || steps < 100 {
		t.Errorf("%d steps, error %v", steps, err)
	}
}

// TestDeep verifies that of a deep stack the two ends are kept.
func TestDeep(t *testing.T) {
	_, err := call(t, "def app(n, m):\n"+
		"    if n == 63:\n        return 1 // 0\n    return app(n + 1, m)\n")
	var e *trace.Error
	if !errors.As(err, &e) {
		t.Fatal(err)
	}
	if len(e.Frames) != 40 || e.Omitted != 21 {
		t.Fatalf("%d frames, %d omitted", len(e.Frames), e.Omitted)
	}
	if e.Frames[0].Locals[0].Value != "63" || e.Frames[39].Locals[0].Value != "3" {
		t.Errorf("from %+v to %+v", e.Frames[0], e.Frames[39])
	}
}

// TestShow compares what is shown of values, some of which have no end.
func TestShow(t *testing.T) {
	cases := []struct{ script, want string }{
		{`def app(n, s): v = "tea"; fail()`, `"tea"`},
		{`def app(n, s): v = b"\x00\xff"; fail()`, `b"\x00\xff"`},
		{`def app(n, s): v = (1,); fail()`, `(1,)`},
		{`def app(n, s): v = {"a": [1.5, None, True]}; fail()`, `{"a": [1.5, None, True]}`},
		{`def app(n, s): v = set([1, 2]); fail()`, `set([1, 2])`},
		{"load(\"@struct\", \"struct\")\ndef app(n, s): v = struct(a = 1, b = \"x\"); fail()",
			`struct(a = 1, b = "x")`},
		{`def app(n, s): v = []; v.append(v); fail()`, `[[[[[[…]]]]]]`},
		{`def app(n, s): v = 1 << 500; v = v * v * v * v * v * v * v * v * v; fail()`,
			`an int of 4501 bits`},
		{`def app(n, s): v = "x" * 1000000; fail()`, `"` + strings.Repeat("x",
			398) + `"… (1000000 bytes)`},
	}
	for _, c := range cases {
		_, err := call(t, c.script)
		var e *trace.Error
		if !errors.As(err, &e) {
			t.Errorf("%s: %v", c.script, err)
			continue
		}
		locals := e.Frames[len(e.Frames)-1].Locals
		if got := locals[2].Value; locals[2].Name != "v" || got != c.want {
			t.Errorf("%s: shown as %s, want %s", c.script, got, c.want)
		}
	}
	// A value with 2^40 leaves.
	_, err := call(t, "def app(n, s):\n"+
		"    v = [1, 2]\n    for i in range(40): v = [v, v]\n    fail()\n")
	var e *trace.Error
	if !errors.As(err, &e) || len(e.Frames[1].Locals[2].Value) > 1000 {
		t.Errorf("%v", err)
	}
}
