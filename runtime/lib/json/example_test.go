package json_test

import (
	"context"
	"fmt"
	"testing/fstest"

	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/host"
	hostjson "github.com/larkspur-web/larkspur/runtime/host/json"
	"github.com/larkspur-web/larkspur/runtime/lib/json"
	"go.starlark.net/starlark"
)

// An embedder sets other limits by granting a module of the same name.
func ExampleBounded() {
	c := &runtime.Config{
		FS: fstest.MapFS{"app.star": {Data: []byte(`
load("@json", "json")
app = lambda: json.decode("[1, 2, 3]", default = "too much")
`)}},
		Modules: []*host.Module{json.Bounded(hostjson.Limits{Values: 3})},
	}
	p, err := runtime.Load(c, "app.star")
	if err != nil {
		fmt.Println(err)
		return
	}
	_ = p.Call(context.Background(), func(_ context.Context, t *starlark.Thread, app starlark.Callable) error {
		v, err := starlark.Call(t, app, nil, nil)
		fmt.Println(v, err)
		return nil
	})
	// Output: "too much" <nil>
}
