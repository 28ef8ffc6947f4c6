package runtime_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/larkspur-web/larkspur/cmd/testdata/racetest"
	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// TestMemory calls applications that may have 32 MiB, and make so much garbage that they are weighed.
func TestMemory(t *testing.T) {
	racetest.Skip(t)
	for _, test := range []struct{ name, body, want string }{
		{"strings of its own", "l = ['x' * 100000 + str(i) for i in range(1000)]\nchurn()",
			"app.star:11:"},
		{"garbage", "for i in range(1000): x = 'x' * 100000 + str(i)", ""},
		{"one string, often", "s = 'x' * (1 << 20)\nl = [s] * 100000\nchurn()", ""},
		{"parts of one string", "s = 'x' * (1 << 20)\nl = [s[i:] for i in range(10000)]\nchurn()", ""},
		{"one list, often", "x = [1]\nfor _ in range(60): x = [x, x]\nchurn()", ""},
		{"a circle", "x = []\nx.append(x)\nchurn()", ""},
		{"one tuple, in parts", "t = tuple(range(100000))\nl = [t[i:] for i in range(200)]\nchurn()", ""},
		{"what the program holds", "x, l = DATA, ['x' * 100000 + str(i) for i in range(200)]\nchurn()", ""},
		{"by a closure", "x = ['x' * 100000 + str(i) for i in range(300)]\ndef f(): churn(); return x\nf(); x += x\n" +
			"l = ['x' * 100000 + str(i) for i in range(100)]\nchurn()", "app.star:"},
		{"by a bound method", "f = [].append\n[f('x' * 100000 + str(i)) for i in range(1000)]", "app.star:"},
		{"a step that is refused", "'x' * (1 << 26)", "app.star:11:9: "},
		{"a step that is refused, and caught",
			"e = catch(lambda: 'x' * (1 << 26))[1]\nif e.kind != 'memory': fail(e)", ""},
		{"a limit that is not caught", "catch(lambda: ['x' * 100000 + str(i) for i in range(1000)])", "app.star:11:"},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := program(t, runtime.Limits{Memory: 32 << 20}, `
def make(n):
    l = []
    for i in range(n):
        l.append("y" * 100000 + str(i))
    return l
DATA = make(200)
def churn():
    for i in range(1000): x = "z" * 100000 + str(i)
def app():
    `+strings.ReplaceAll(test.body, "\n", "\n    "), nil)
			err := call(t.Context(), p)
			if test.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			var limit *runtime.LimitError
			if !errors.As(err, &limit) || limit.Kind != "memory" || limit.Limit != 32<<20 {
				t.Fatalf("got %v, want a LimitError of memory", err)
			}
			if place := host.PlaceOf(err) + ": "; !strings.HasPrefix(place, test.want) {
				t.Errorf("it ended at %s, want %s", place, test.want)
			}
			if !host.TimedOut(err) {
				t.Error("a server would not say that it was a limit")
			}
		})
	}
}

// TestMemoryOfLoad verifies that what all files of a program make is within the limit.
func TestMemoryOfLoad(t *testing.T) {
	make := `x = ["x" * 100000 + str(i) for i in range(%d)]` + "\n"
	for _, test := range []struct {
		own, other int
		fails      bool
	}{{100, 100, false}, {1000, 0, true}, {200, 200, true}} {
		_, err := runtime.Load(&runtime.Config{Limits: runtime.Limits{Memory: 32 << 20}, FS: tree(
			"app.star", `load("b.star", y = "x")`+"\n"+fmt.Sprintf(make, test.own)+"def app(): pass",
			"b.star", fmt.Sprintf(make, test.other),
		)}, "app.star")
		if failed := host.TimedOut(err); failed != test.fails {
			t.Errorf("%d and %d: got %v", test.own, test.other, err)
		}
	}
}

// TestRewritten verifies that errors say what they say where nothing is enclosed, and where.
func TestRewritten(t *testing.T) {
	for _, line := range []string{
		`x = None * 3`, `x = 3 * None`, `x = "a" * "b"`, `x = y * None`, `x = y * 1.5`, `x = [y] * {}`,
		`y *= None`, `y *= "a"`, `y *= 1.5`, `x = None % 2`, `x = y % 2`, `x = "%d" % y`,
		`x = "%s %s" % (1,)`, `x = (y + "%(a)s") % {}`, `x = (y + "%(a)s") % 1`, `x = "%(a)s" % {}`,
		`x = y % y`, `y %= 2`, `y %= None`, `y %= (1,)`, `z = 1; z %= None`, `z = 1; z %= 0`,
		`x = ",".join(1)`, `x = y.join([1])`, `x = y.join()`, `x = y.replace("a")`, `x = y.replace(1, 2)`,
		`x = y.replace("", y, "")`, `x = "{}".format()`, `x = "{a}".format(b = y)`, `x = "{".format(1)`,
		`x = y.format(1, b = 1)`, `x = y.split(1)`, `x = y.split("")`, `x = y.splitlines(1, 2)`,
		`x = [].extend(1)`, `x = [].extend(y)`, `x = y.extend([])`, `x = y.elems(1)`, `x = (1).join("a")`,
		`x = y.nope()`, `x = y.jion([])`, `for x in 3: pass`, `for x in len: pass`, `for x in f(): pass`,
		`for x, z in f2(): pass`, `x = [f(x) for x in f()]`, `x = [f(z) for x in f2() for z in x]`,
		`x = [f(q) for p, q in f2()]`, `x = y.replace`, `x = y.join.nope`, `x = zip(1)`, `x = repr()`,
		`x = list(1)`, `x = range("a")`, `x = str(1, 2)`,
	} {
		src := "def f(a = None): return a\ndef f2(): return [1]\ndef app():\n    y = \"a\"\n    if y:\n        " +
			line + "\n    return y\n"
		p := program(t, runtime.Limits{}, src, nil)
		got := host.BacktraceOf(call(t.Context(), p))
		globals, err := starlark.ExecFileOptions(runtime.Dialect(), new(starlark.Thread), "app.star", src, nil)
		if err != nil {
			t.Fatal(err)
		}
		_, err = starlark.Call(new(starlark.Thread), globals["app"], nil, nil)
		if want := host.BacktraceOf(err); got != want {
			t.Errorf("%s:\ngot\n%s\nwant\n%s", line, got, want)
		}
	}
}

// TestGarbageOfAStep has a function in Go make four times what a call may hold, in a step that takes
// long, and hold nothing of it: the call goes on.
func TestGarbageOfAStep(t *testing.T) {
	var last []byte
	churn := starlark.NewBuiltin("churn", func(*starlark.Thread, *starlark.Builtin, starlark.Tuple,
		[]starlark.Tuple) (starlark.Value, error) {
		began := time.Now()
		for n := 0; n < 128 || time.Since(began) < 200*time.Millisecond; n++ {
			last = make([]byte, 1<<20)
		}
		return starlark.MakeInt(len(last)), nil
	})
	p, err := runtime.Load(&runtime.Config{Limits: runtime.Limits{Memory: 32 << 20},
		Predeclared: starlark.StringDict{"churn": churn},
		FS:          tree("app.star", "def app(): return churn()")}, "app.star")
	if err != nil {
		t.Fatal(err)
	}
	if err := call(t.Context(), p); err != nil {
		t.Error(err)
	}
}
