package runtime_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/larkspur-web/larkspur/cmd/testdata/racetest"
	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// program loads app.star of the given source, under limits.
func program(t testing.TB, limits runtime.Limits, src string, values starlark.StringDict) *runtime.Program {
	t.Helper()
	p, err := runtime.Load(&runtime.Config{FS: tree("app.star", src), Limits: limits, Predeclared: values}, "app.star")
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// call calls p without arguments under ctx.
func call(ctx context.Context, p *runtime.Program) error {
	return p.Call(ctx, func(_ context.Context, t *starlark.Thread, app starlark.Callable) error {
		_, err := starlark.Call(t, app, nil, nil)
		return err
	})
}

// builtin is a builtin without arguments that is given the host.Call of its call.
func builtin(name string, fn func(host.Call) error) *starlark.Builtin {
	return starlark.NewBuiltin(name, func(t *starlark.Thread, _ *starlark.Builtin, _ starlark.Tuple, _ []starlark.Tuple) (starlark.Value, error) {
		return starlark.None, fn(host.CallOf(t))
	})
}

func TestLimitsStopACall(t *testing.T) {
	small := runtime.Limits{Steps: 100_000, Time: 50 * time.Millisecond, Depth: 100}
	for _, test := range []struct {
		name   string
		limits runtime.Limits
		src    string
		kind   string
		line   int32
		want   string
	}{
		{"loop", runtime.Limits{Steps: 100_000}, "def app():\n  n = 0\n  while True:\n    n += 1", "steps", 4,
			"app.star:4:5: stopped at the limit of 100000 steps"},
		{"slow loop", runtime.Limits{Time: 50 * time.Millisecond}, "def app():\n  n = 0\n  while True:\n    n += 1", "time", 4,
			"stopped at the time limit of 50ms"},
		{"sleep", small, "load('@time', 'time')\ndef app():\n  time.sleep(60)", "time", 3,
			"app.star:3:13: stopped at the time limit of 50ms"},
		{"recursion", small, "def app():\n  app()", "depth", 2,
			"stopped at the depth limit of 100 nested calls"},
		{"mutual recursion through builtins", small, "def app(x = 0):\n  return sorted([1, 2], key = app)", "depth", 2,
			"stopped at the depth limit of 100 nested calls"},
		{"caught loop", runtime.Limits{Steps: 100_000}, "def app():\n  catch(loop)\n  catch(loop)\ndef loop():\n  while True: len([])", "steps", 5,
			"stopped at the limit of 100000 steps"},
		{"caught sleep", small, "load('@time', 'time')\ndef app():\n  catch(time.sleep, 60)\n  fail('caught')", "time", 3,
			"stopped at the time limit of 50ms"},
		{"caught recursion", small, "def app():\n  catch(app)", "depth", 2,
			"stopped at the depth limit of 100 nested calls"},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := call(t.Context(), program(t, test.limits, test.src, nil))
			var limit *runtime.LimitError
			if !errors.As(err, &limit) {
				t.Fatalf("got %v, want a LimitError", err)
			}
			if limit.Kind != test.kind || limit.Pos().Line != test.line || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %s at line %d: %v; want %s at line %d: %s", limit.Kind, limit.Pos().Line, err, test.kind, test.line, test.want)
			}
			if !limit.Timeout() || !strings.Contains(limit.Backtrace(), "app.star:") {
				t.Errorf("Timeout %v, Backtrace %q", limit.Timeout(), limit.Backtrace())
			}
		})
	}
}

// An iterable that waits says in its own words that the call has ended; the error is that of the limit.
func TestLimitsEndALoop(t *testing.T) {
	rows := starlark.NewBuiltin("rows", func(thread *starlark.Thread, _ *starlark.Builtin, _ starlark.Tuple, _ []starlark.Tuple) (starlark.Value, error) {
		b := &host.Iterable{Object: "rows", Thread: thread}
		b.Start = func() host.Steps {
			return host.Steps{Next: func() (starlark.Value, bool, error) {
				err := host.CallOf(thread).Wait(func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() })
				return nil, false, fmt.Errorf("each: %w", err)
			}}
		}
		return b.Sized(-1), nil
	})
	p := program(t, runtime.Limits{Time: 20 * time.Millisecond}, "def app():\n  for r in rows():\n    pass", starlark.StringDict{"rows": rows})
	err := call(t.Context(), p)
	var limit *runtime.LimitError
	if !errors.As(err, &limit) || limit.Kind != "time" || limit.Pos().Line != 2 {
		t.Errorf("got %v, want a LimitError at line 2", err)
	}
}

func TestLimitsStopALoad(t *testing.T) {
	_, err := runtime.Load(&runtime.Config{
		FS:     tree("app.star", "load('lib.star', 'x')", "lib.star", "\nwhile True: len([])\nx = 1"),
		Limits: runtime.Limits{Steps: 10_000},
	}, "app.star")
	var limit *runtime.LimitError
	if !errors.As(err, &limit) || limit.Pos().Line != 2 {
		t.Errorf("got %v, want a LimitError at line 2 of lib.star", err)
	}
}

func TestLargeSourceIsRefused(t *testing.T) {
	racetest.Skip(t)
	sum := "def app(): return 0" + strings.Repeat("+1", 1<<19)
	_, err := runtime.Load(&runtime.Config{FS: tree("app.star", sum)}, "app.star")
	if got, want := fmt.Sprint(err), "app.star: it is larger than 1048576 bytes, the limit for a script"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	// The largest source that is allowed does not exhaust the parser.
	if _, err := runtime.Load(&runtime.Config{FS: tree("app.star", sum[:1<<20-1])}, "app.star"); err != nil {
		t.Errorf("got %v", err)
	}
}

func TestCancelledContextStopsACall(t *testing.T) {
	started := make(chan struct{})
	values := starlark.StringDict{"started": builtin("started", func(host.Call) error { close(started); return nil })}
	for _, body := range []string{"while True: len([])", "catch(time.sleep, 60)"} {
		started = make(chan struct{})
		p := program(t, runtime.Limits{}, "load('@time', 'time')\ndef app():\n  started()\n  "+body, values)
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			<-started
			cancel()
		}()
		err := call(ctx, p)
		if !errors.Is(err, context.Canceled) || !strings.HasPrefix(err.Error(), "app.star:4:") {
			t.Errorf("%s: got %v, want context.Canceled at line 4", body, err)
		}
		var limit *runtime.LimitError
		if errors.As(err, &limit) {
			t.Errorf("%s: got %v, which is no limit's fault", body, err)
		}
	}
}

func TestFailCannotBeCaught(t *testing.T) {
	gone := errors.New("gone")
	p := program(t, runtime.Limits{}, "def app():\n  catch(leave)\n  print('still here')\n", starlark.StringDict{
		"leave": builtin("leave", func(h host.Call) error {
			h.Fail(gone)
			h.Fail(errors.New("second"))
			return nil
		}),
	})
	err := call(t.Context(), p)
	if !errors.Is(err, gone) || err.Error() != "app.star:2:8: gone" {
		t.Errorf("got %v, want gone at app.star:2:8", err)
	}
	var traced interface{ Backtrace() string }
	if !errors.As(err, &traced) || !strings.HasPrefix(traced.Backtrace(), "Traceback") {
		t.Errorf("got %v, without a backtrace", err)
	}
}

func TestExtendMovesTheDeadline(t *testing.T) {
	limits := runtime.Limits{Time: 8 * time.Second}
	const steps = "load('@time', 'time')\ndef app():\n  for _ in range(6):\n    time.sleep(3)\n    step()\n"
	step := func(fn func(host.Call)) starlark.StringDict {
		return starlark.StringDict{"step": builtin("step", func(h host.Call) error { fn(h); return nil })}
	}
	synctest.Test(t, func(t *testing.T) {
		p := program(t, limits, steps, step(host.Call.Extend))
		if err := call(t.Context(), p); err != nil {
			t.Errorf("extended: got %v, want none", err)
		}
		p = program(t, limits, steps, step(func(host.Call) {}))
		began := time.Now()
		var limit *runtime.LimitError
		if err := call(t.Context(), p); !errors.As(err, &limit) || time.Since(began) != limits.Time {
			t.Errorf("not extended: got %v after %v, want a LimitError", err, time.Since(began))
		}
	})
}

// TestRenew: a call that is renewed has the time and the steps of a new one.
func TestRenew(t *testing.T) {
	limits := runtime.Limits{Time: 8 * time.Second, Steps: 2000}
	const script = "load('@time', 'time')\ndef app():\n  for _ in range(6):\n    time.sleep(3)\n" +
		"    for _ in range(200): pass\n    step()\n"
	synctest.Test(t, func(t *testing.T) {
		p := program(t, limits, script, starlark.StringDict{
			"step": builtin("step", func(h host.Call) error { h.(host.Renewer).Renew(); return nil }),
		})
		if err := call(t.Context(), p); err != nil {
			t.Errorf("renewed: got %v, want none", err)
		}
		p = program(t, limits, script, starlark.StringDict{
			"step": builtin("step", func(h host.Call) error { h.Extend(); return nil }),
		})
		var limit *runtime.LimitError
		if err := call(t.Context(), p); !errors.As(err, &limit) || limit.Kind != "steps" {
			t.Errorf("only extended: got %v, want the limit of steps", err)
		}
	})
}

func TestContextEndsWithTheCall(t *testing.T) {
	p := program(t, runtime.Limits{}, "def app(): pass", nil)
	var armed, idle context.Context
	for _, ctx := range []*context.Context{&armed, &idle} {
		p.Call(t.Context(), func(c context.Context, _ *starlark.Thread, _ starlark.Callable) error {
			*ctx = c
			if ctx == &armed {
				c.Done()
			}
			if deadline, ok := c.Deadline(); !ok || time.Until(deadline) > 30*time.Second {
				t.Errorf("deadline %v, %v; want within 30 s", deadline, ok)
			}
			return nil
		})
	}
	for _, ctx := range []context.Context{armed, idle} {
		select {
		case <-ctx.Done():
		default:
			t.Error("the context is not done after the call")
		}
		if ctx.Err() != context.Canceled {
			t.Errorf("got %v, want %v", ctx.Err(), context.Canceled)
		}
	}
}

func TestContextIsDoneAtTheDeadline(t *testing.T) {
	p := program(t, runtime.Limits{Time: 20 * time.Millisecond}, "def app(): pass", nil)
	type key struct{}
	err := p.Call(context.WithValue(t.Context(), key{}, 7), func(ctx context.Context, _ *starlark.Thread, _ starlark.Callable) error {
		if ctx.Value(key{}) != 7 {
			t.Error("the context does not have the caller's values")
		}
		derived, cancel := context.WithCancel(ctx)
		defer cancel()
		<-derived.Done()
		return derived.Err()
	})
	var limit *runtime.LimitError
	if !errors.As(err, &limit) || limit.Kind != "time" {
		t.Errorf("got %v, want the time limit", err)
	}
}

func TestCallerDeadlineIsNotALimit(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	err := call(ctx, program(t, runtime.Limits{}, "def app():\n  while True: pass", nil))
	var limit *runtime.LimitError
	if !errors.Is(err, context.DeadlineExceeded) || errors.As(err, &limit) {
		t.Errorf("got %v, want the caller's deadline", err)
	}
}

func TestPanicEndsOneCall(t *testing.T) {
	bug := errors.New("bug")
	p := program(t, runtime.Limits{}, "def app(): explode()", starlark.StringDict{
		"explode": builtin("explode", func(host.Call) error { panic(bug) }),
	})
	for range 2 {
		err := call(t.Context(), p)
		var panicked *runtime.PanicError
		if !errors.As(err, &panicked) || !errors.Is(err, bug) || len(panicked.Stack) == 0 {
			t.Errorf("got %v, want a PanicError of bug", err)
		}
	}
}

func TestCallsRunAtTheSameTime(t *testing.T) {
	p := program(t, runtime.Limits{}, `
load("@json", "json")
load("@struct", "struct")
table = {str(i): [i, struct(i = i)] for i in range(100)}
def app():
    seen = []
    for k, v in table.items():
        seen.append(json.decode(json.encode({k: v[0] * v[1].i})))
    return len(seen), catch(table.clear)[1].message
`, nil)
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 50 {
				v, err := result(p)
				if got, want := fmt.Sprint(v, err), `(100, "cannot clear frozen hash table") <nil>`; got != want {
					t.Errorf("got %s, want %s", got, want)
				}
			}
		})
	}
	group.Wait()
}

// TestLoopHasPlace checks that a loop whose lines have no place of their own is shown where it
// begins, and not at the def.
func TestLoopHasPlace(t *testing.T) {
	for _, loop := range []string{"while True:", "while (True):", "while 1:"} {
		src := "def app():\n  x = 1\n  " + loop + "\n    x = 1"
		err := call(t.Context(), program(t, runtime.Limits{Steps: 100_000}, src, nil))
		if !strings.HasPrefix(err.Error(), "app.star:3:3: ") {
			t.Errorf("%s: got %v, want line 3", loop, err)
		}
	}
}
