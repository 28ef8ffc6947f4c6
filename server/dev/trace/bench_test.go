package trace_test

import (
	"context"
	"testing"
	"testing/fstest"

	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/server/dev/trace"
	"go.starlark.net/starlark"
)

// BenchmarkWrap tells what a call that succeeds pays: small scripts pay for the frame and the
// close look, large ones for the seldom one.
func BenchmarkWrap(b *testing.B) {
	for _, c := range []struct{ name, loops string }{
		{"small", "10"}, {"middle", "500"}, {"large", "50000"},
	} {
		script := "def f(x): return x + 1\ndef app(e, s):\n    n = 0\n" +
			"    for i in range(" + c.loops + "):\n        n = f(n)\n    return n\n"
		files := fstest.MapFS{"app.star": &fstest.MapFile{Data: []byte(script)}}
		live, err := runtime.Load(&runtime.Config{FS: files}, "app.star")
		if err != nil {
			b.Fatal(err)
		}
		use := func(_ context.Context, t *starlark.Thread, app starlark.Callable) error {
			_, err := starlark.Call(t, app, starlark.Tuple{starlark.None, starlark.None}, nil)
			return err
		}
		for name, app := range map[string]host.App{"plain": live, "wrapped": trace.Wrap(live, nil)} {
			b.Run(c.name+"/"+name, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if err := app.Begin().Call(b.Context(), use); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
