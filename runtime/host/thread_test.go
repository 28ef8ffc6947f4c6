package host_test

import (
	"context"
	"testing"
	"testing/fstest"

	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// TestCallOf tells the thread of a call from those of nobody's, whatever their fields say.
func TestCallOf(t *testing.T) {
	type key struct{}
	ctx := context.WithValue(context.Background(), key{}, "of the call")
	files := fstest.MapFS{"app.star": {Data: []byte("def app(): pass")}}
	p, err := runtime.Load(&runtime.Config{FS: files}, "app.star")
	if err != nil {
		t.Fatal(err)
	}
	err = p.Call(ctx, func(_ context.Context, own *starlark.Thread, _ starlark.Callable) error {
		if got := host.CallOf(own).Context().Value(key{}); got != "of the call" {
			t.Errorf("the thread of the call has a context with %v", got)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, foreign := range map[string]*starlark.Thread{
		"nil":             nil,
		"new":             new(starlark.Thread),
		"with a name":     {Name: "app.star"},
		"with OnMaxSteps": {OnMaxSteps: func(*starlark.Thread) {}},
	} {
		if host.CallOf(foreign).Context() != context.Background() {
			t.Errorf("%s: it runs a call", name)
		}
	}
}
