package runtime_test

import (
	"context"
	goruntime "runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/larkspur-web/larkspur/runtime"
	"go.starlark.net/starlark"
)

// TestTurns has calls that last: no more of them run at once than there are processors, and all of them
// come to their end. A call that is short waits for none of them.
func TestTurns(t *testing.T) {
	defer goruntime.GOMAXPROCS(goruntime.GOMAXPROCS(3))
	var running, most atomic.Int32
	work := starlark.NewBuiltin("work", func(*starlark.Thread, *starlark.Builtin, starlark.Tuple,
		[]starlark.Tuple) (starlark.Value, error) {
		n := running.Add(1)
		defer running.Add(-1)
		for had := most.Load(); n > had && !most.CompareAndSwap(had, n); had = most.Load() {
		}
		for began := time.Now(); time.Since(began) < time.Millisecond; {
		}
		return starlark.None, nil
	})
	load := func(source string) *runtime.Program {
		p, err := runtime.Load(&runtime.Config{FS: tree("app.star", source),
			Predeclared: starlark.StringDict{"work": work}}, "app.star")
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	long := load("def app():\n    for _ in range(30): [work() for _ in range(1)] + [x for x in range(1000)]\n")
	short := load("def app(): pass")
	if err := call(t.Context(), long); err != nil { // so that it is known how long it runs
		t.Fatal(err)
	}
	if err := call(t.Context(), short); err != nil {
		t.Fatal(err)
	}
	most.Store(0)
	var calls sync.WaitGroup
	for range 8 {
		calls.Go(func() {
			if err := call(t.Context(), long); err != nil {
				t.Error(err)
			}
		})
	}
	err := short.Call(t.Context(), func(ctx context.Context, thread *starlark.Thread, app starlark.Callable) error {
		_, err := starlark.Call(thread, app, nil, nil)
		return err
	})
	if err != nil {
		t.Error(err)
	}
	calls.Wait()
	if n := most.Load(); n > 3 {
		t.Errorf("%d calls that last ran at once on 3 processors", n)
	}
}

// TestTurnsOfThoseThatWait has calls that wait in a function of Go which does not say so: they take no
// processor, and all of them wait at once.
func TestTurnsOfThoseThatWait(t *testing.T) {
	const n = 20
	var came sync.WaitGroup
	came.Add(n)
	all := make(chan struct{})
	go func() { came.Wait(); close(all) }()
	wait := starlark.NewBuiltin("wait", func(*starlark.Thread, *starlark.Builtin, starlark.Tuple,
		[]starlark.Tuple) (starlark.Value, error) {
		came.Done()
		<-all
		return starlark.None, nil
	})
	p, err := runtime.Load(&runtime.Config{FS: tree("app.star", "def app(): wait()"),
		Predeclared: starlark.StringDict{"wait": wait}}, "app.star")
	if err != nil {
		t.Fatal(err)
	}
	var calls sync.WaitGroup
	for range n {
		calls.Go(func() { // it is not known how long they run, so that each needs a turn
			if err := call(t.Context(), p); err != nil {
				t.Error(err)
			}
		})
	}
	calls.Wait()
}
