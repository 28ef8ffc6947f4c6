package re_test

import (
	"context"
	"fmt"
	"testing/fstest"

	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/runtime/lib/re"
	"go.starlark.net/starlark"
)

// An embedder lists the modules that its scripts may load.
func ExampleModule() {
	c := &runtime.Config{
		FS: fstest.MapFS{"app.star": {Data: []byte(`
load("@re", "re")
app = lambda: re.sub(r"(\w+) (\w+)", r"\2 \1", "Ada Lovelace")
`)}},
		Modules: []*host.Module{re.Module()},
	}
	p, err := runtime.Load(c, "app.star")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer p.Close()
	_ = p.Call(context.Background(), func(_ context.Context, t *starlark.Thread, app starlark.Callable) error {
		v, err := starlark.Call(t, app, nil, nil)
		fmt.Println(v, err)
		return nil
	})
	// Output: "Lovelace Ada" <nil>
}
