package runtime_test

import (
	"context"
	"sync"
	"testing"

	"github.com/larkspur-web/larkspur/runtime"
	"go.starlark.net/starlark"
)

// TestRunConcurrentCalls has the calls of one run begin at once, as those of a page and of a request that was
// left behind may. It is for the race detector, and verifies that each has its time.
func TestRunConcurrentCalls(t *testing.T) {
	d := new(disk)
	d.save("app.star", "def app():\n    pass\n")
	p, err := runtime.Load(&runtime.Config{FS: d}, "app.star")
	if err != nil {
		t.Fatal(err)
	}
	for range 200 {
		r := p.Begin()
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				err := r.Call(context.Background(), func(ctx context.Context, _ *starlark.Thread, _ starlark.Callable) error {
					return ctx.Err()
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		r.End()
	}
}
