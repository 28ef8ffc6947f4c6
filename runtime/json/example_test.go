package json_test

import (
	"context"
	"fmt"
	"strings"
	"testing/fstest"

	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/json"
	"go.starlark.net/starlark"
)

// The bounds hold whoever wrote the text.
func ExampleLimits_Decode() {
	fmt.Println(json.Limits{}.Decode(`{"a": [1, 2.5, null]}`))
	fmt.Println(json.Limits{Depth: 2}.Decode(`[[[]]]`))
	fmt.Println(json.Limits{}.Decode(strings.Repeat("[", 1<<20)))
	// Output:
	// {"a": [1, 2.5, None]} <nil>
	// <nil> at offset 2, nested deeper than 2
	// <nil> at offset 1000, nested deeper than 1000
}

// An embedder sets other limits by granting a module of the same name.
func ExampleLimits_Module() {
	c := &runtime.Config{
		FS: fstest.MapFS{"app.star": {Data: []byte(`
load("@json", "json")
app = lambda: json.decode("[1, 2, 3]", default = "too much")
`)}},
		Modules: map[string]runtime.Module{"json": json.Limits{Values: 3}.Module},
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
