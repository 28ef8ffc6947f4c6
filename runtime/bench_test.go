package runtime_test

import (
	"context"
	"testing"

	"github.com/larkspur-web/larkspur/runtime"
	"go.starlark.net/starlark"
)

// BenchmarkCall is what a call of a program costs over a call of a Starlark function on a fresh
// thread, the least that can be paid.
func BenchmarkCall(b *testing.B) {
	p, err := runtime.Load(&runtime.Config{FS: tree("app.star", "def app(): pass")}, "app.star")
	if err != nil {
		b.Fatal(err)
	}
	b.Run("bare", func(b *testing.B) {
		var app starlark.Callable
		p.Call(b.Context(), func(_ context.Context, _ *starlark.Thread, a starlark.Callable) error {
			app = a
			return nil
		})
		b.ReportAllocs()
		for b.Loop() {
			if _, err := starlark.Call(new(starlark.Thread), app, nil, nil); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("program", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := result(p); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// TestCallAllocates holds the allocations of a call: five more than those of a bare one.
func TestCallAllocates(t *testing.T) {
	p, err := runtime.Load(&runtime.Config{FS: tree("app.star", "def app(): pass")}, "app.star")
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	use := func(_ context.Context, t *starlark.Thread, app starlark.Callable) error {
		_, err := starlark.Call(t, app, nil, nil)
		return err
	}
	if got := testing.AllocsPerRun(100, func() { p.Call(ctx, use) }); got > 9 {
		t.Errorf("a call allocates %v times, want at most 9", got)
	}
}
