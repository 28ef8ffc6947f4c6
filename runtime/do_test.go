package runtime_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// Do takes Go values and returns what the function does, or an error that begins with its place.
func TestDo(t *testing.T) {
	const script = `
def app(what, *args):
  if what == "add":
    return args[0] + args[1]
  if what == "loop":
    while True: pass
  if what == "none":
    return None
  if what == "panic":
    panic()
  if what == "method":
    return args[0].add(args[1])
  return fail("unknown: " + what)
settings = 1
`
	panics := host.Func("panic", func() { panic("out of paper") })
	load := func(entry string) (*runtime.Program, *runtime.Live) {
		t.Helper()
		c := &runtime.Config{
			FS: tree("app.star", script), Limits: runtime.Limits{Steps: 100_000},
			Predeclared: starlark.StringDict{"panic": panics},
		}
		p, err := runtime.Load(c, entry)
		if err != nil {
			t.Fatal(err)
		}
		l, err := runtime.NewLive(c, entry)
		if err != nil {
			t.Fatal(err)
		}
		return p, l
	}
	p, l := load("app.star")
	closed, closedLive := load("app.star")
	closed.Close()
	closedLive.Close()
	file, err := runtime.LoadFile(&runtime.Config{FS: tree("app.star", script), Predeclared: starlark.StringDict{"panic": panics}}, "app.star")
	if err != nil {
		t.Fatal(err)
	}
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	var none context.Context
	bg := context.Background()
	self := []any{nil}
	self[0] = self
	for _, test := range []struct {
		apps []doer
		ctx  context.Context
		args []any
		want string
	}{
		{[]doer{p, l}, bg, []any{"add", 1, 2}, "3"},
		{[]doer{p, l}, bg, []any{starlark.String("add"), []string{"a"}, starlark.NewList(nil)}, `["a"]`},
		{[]doer{p, l}, bg, []any{"add", time.Second, time.Minute}, "1m1s"},
		{[]doer{p}, bg, []any{"method", new(counter), 3}, "3"},
		{[]doer{p, l}, bg, []any{"none"}, "None"},
		{[]doer{p, l}, bg, []any{"x"}, "app.star:13:14: fail: unknown: x"},
		{[]doer{p, l}, bg, nil, "app.star:3:6: function app missing 1 argument (what)"},
		{[]doer{p, l}, bg, []any{"add", 1, "a"}, "app.star:4:20: unknown binary op: int + string"},
		{[]doer{p, l}, bg, []any{"panic"}, "app.star:10:10: panic: panic: out of paper"},
		{[]doer{p, l}, bg, []any{"loop"}, "app.star:6:5: "},
		{[]doer{p, l}, bg, []any{"add", make(chan int)}, "runtime: argument 2, a chan int: chan int has no counterpart in Starlark; "},
		{[]doer{p, l}, bg, []any{self}, "runtime: argument 1, a []interface {}: at index 0: it holds itself"},
		{[]doer{p, l}, none, []any{"none"}, "runtime: nil context.Context: context.Background() is the empty one"},
		{[]doer{closed, closedLive}, bg, []any{"none"}, "runtime: the program is closed"},
		{[]doer{(*runtime.Program)(nil), (*runtime.Live)(nil)}, bg, nil, "runtime: the program is nil: the error of loading it says why"},
		{[]doer{file}, bg, nil, "runtime: the program was loaded for its globals, not for a function"},
	} {
		for _, app := range test.apps {
			v, err := app.Do(test.ctx, test.args...)
			if got := said(v, err); !strings.HasPrefix(got, test.want) || err == nil && got != test.want {
				t.Errorf("%T, %v: got %s, want %s", app, test.args, got, test.want)
			}
			if err != nil && v != nil {
				t.Errorf("%T, %v: got %v beside an error", app, test.args, v)
			}
		}
	}
	limit := new(runtime.LimitError)
	if _, err := p.Do(bg, "loop"); !errors.As(err, &limit) {
		t.Errorf("got %T, want a LimitError", err)
	}
	if _, err := p.Do(cancelled, "loop"); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want one that is context.Canceled", err)
	}
	eval := new(starlark.EvalError)
	if _, err := p.Do(bg, "x"); !errors.As(err, &eval) {
		t.Errorf("got %T, want an EvalError", err)
	}
	panicked := new(host.PanicError)
	if _, err := p.Do(bg, "panic"); !errors.As(err, &panicked) {
		t.Errorf("got %T, want a PanicError", err)
	}
}

type doer interface {
	Do(context.Context, ...any) (starlark.Value, error)
}

type counter struct{ n int }

func (c *counter) Add(n int) int { c.n += n; return c.n }

// Live.Do runs the generation that serves.
func TestDoFollowsTheGeneration(t *testing.T) {
	files := tree("app.star", "app = lambda: 1")
	l, err := runtime.NewLive(&runtime.Config{FS: files}, "app.star")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for _, want := range []string{"1", "2"} {
		files["app.star"].Data = []byte("app = lambda: " + want)
		if err := l.Reload(); err != nil {
			t.Fatal(err)
		}
		if got := said(l.Do(context.Background())); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	files["app.star"].Data = []byte("app = ")
	broken, err := runtime.Follow(&runtime.Config{FS: files}, "app.star")
	if err == nil {
		t.Fatal("it loads")
	}
	if got, want := said(broken.Do(context.Background())), "app.star:1:"; !strings.HasPrefix(got, want) {
		t.Errorf("got %s, want %s", got, want)
	}
}

// A function of the script that Go code calls back is a part of the call: what it uses counts, and
// where it fails is known.
func TestFuncCallsBackInsideTheLimits(t *testing.T) {
	each := host.Func("each", func(th *starlark.Thread, f starlark.Callable, items []starlark.Value) ([]starlark.Value, error) {
		var all []starlark.Value
		for _, item := range items {
			v, err := starlark.Call(th, f, starlark.Tuple{item}, nil)
			if err != nil {
				return nil, err
			}
			all = append(all, v)
		}
		return all, nil
	}, "f", "items")
	src := `
def double(x): return 2 * x
def forever(x):
  while True: pass
def broken(x):
  return x + ""
class_ = struct(double = double)
def app(which):
  return each({"double": double, "lambda": lambda x: x + 1, "forever": forever, "broken": broken, "builtin": str, "none": 1}[which], [1, 2])
`
	p, err := runtime.Load(&runtime.Config{
		FS: tree("app.star", "load('@struct', 'struct')"+src), Predeclared: starlark.StringDict{"each": each},
		Limits: runtime.Limits{Steps: 100_000},
	}, "app.star")
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ which, want, place string }{
		{"double", `[2, 4]`, ""},
		{"lambda", `[2, 3]`, ""},
		{"builtin", `["1", "2"]`, ""},
		{"none", "each: for parameter f: got int, want callable", "app.star:9:14"},
		{"broken", "unknown binary op: int + string", "app.star:6:12"},
		{"forever", "step", "app.star:4"},
	} {
		v, err := p.Do(context.Background(), test.which)
		if got := said(v, err); !strings.Contains(got, test.want) || err == nil != (test.place == "") {
			t.Errorf("%s: got %s, want %s", test.which, got, test.want)
		}
		if place := host.PlaceOf(err); !strings.HasPrefix(place, test.place) {
			t.Errorf("%s: got %s, want %s", test.which, place, test.place)
		}
		if limit := new(runtime.LimitError); errors.As(err, &limit) != (test.which == "forever") {
			t.Errorf("%s: got %T", test.which, err)
		}
	}
}
