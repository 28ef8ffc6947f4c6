package runtime_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// What an embedder forgot is said by name, in every function that loads, and is no nil pointer.
func TestLoadSaysWhatIsMissing(t *testing.T) {
	files := tree("app.star", "app = lambda: 1")
	for _, test := range []struct {
		config *runtime.Config
		want   string
	}{
		{nil, "nil Config"},
		{&runtime.Config{}, `Config.FS is nil: it is the tree of the scripts, as runtime.Dir(".")`},
		{&runtime.Config{FS: files, Modules: []*host.Module{nil}}, "Config.Modules[0] is nil"},
		{&runtime.Config{FS: files, Predeclared: starlark.StringDict{"x": nil}}, `Config.Predeclared["x"] is nil: starlark.None is None`},
	} {
		_, load := runtime.Load(test.config, "app.star")
		_, file := runtime.LoadFile(test.config, "app.star")
		_, nothing := runtime.LoadFile(test.config, "")
		_, live := runtime.NewLive(test.config, "app.star")
		followed, follow := runtime.Follow(test.config, "app.star")
		for name, err := range map[string]error{
			"Load": load, "LoadFile": file, "LoadFile of none": nothing, "NewLive": live,
			"Follow": follow, "Reload": followed.Reload(),
		} {
			if got, want := fmt.Sprint(err), "runtime: load: "+test.want; got != want {
				t.Errorf("%s: got %s, want %s", name, got, want)
			}
		}
		_, parse := runtime.Parse(test.config, "app.star")
		for name, faults := range map[string]host.Diagnostics{"Check": runtime.Check(test.config, "app.star"), "Parse": parse} {
			if got, want := fmt.Sprint(faults), "app.star: "+test.want; got != want {
				t.Errorf("%s: got %s, want %s", name, got, want)
			}
		}
	}
}

// A program that did not load, and a call without a context, fail with a message.
func TestCallSaysWhatIsMissing(t *testing.T) {
	p, err := runtime.Load(&runtime.Config{FS: tree("app.star", "app = lambda: 1")}, "app.star")
	if err != nil {
		t.Fatal(err)
	}
	use := func(context.Context, *starlark.Thread, starlark.Callable) error { return nil }
	const (
		unloaded = "runtime: the program is nil: the error of loading it says why"
		noCtx    = "runtime: nil context.Context: context.Background() is the empty one"
		noUse    = "runtime: nil function: there is nothing to do with the call"
	)
	var none context.Context
	for _, test := range []struct {
		app  caller
		ctx  context.Context
		use  host.Use
		want string
	}{
		{p, context.Background(), use, "<nil>"},
		{p, none, use, noCtx},
		{p, context.Background(), nil, noUse},
		{(*runtime.Program)(nil), context.Background(), use, unloaded},
		{(*runtime.Live)(nil), context.Background(), use, unloaded},
	} {
		if got := fmt.Sprint(test.app.Call(test.ctx, test.use)); got != test.want {
			t.Errorf("%T: got %s, want %s", test.app, got, test.want)
		}
	}
	r := p.Begin()
	defer r.End()
	for name, call := range map[string]func(context.Context, host.Use) error{"Call": r.Call, "CleanUp": r.CleanUp} {
		if err := call(none, use); err == nil || err.Error() != noCtx {
			t.Errorf("%s of a Run: got %v, want %s", name, err, noCtx)
		}
		if err := call(context.Background(), nil); err == nil || err.Error() != noUse {
			t.Errorf("%s of a Run: got %v, want %s", name, err, noUse)
		}
	}
	(*runtime.Program)(nil).Close()
	(*runtime.Live)(nil).Close()
}
