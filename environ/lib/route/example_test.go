package route_test

import (
	"context"
	"fmt"
	"strings"
	"testing/fstest"

	"github.com/larkspur-web/larkspur/environ/lib/response"
	"github.com/larkspur-web/larkspur/environ/lib/route"
	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// Rows shows what a program answers, without a request.
func ExampleRows() {
	p, err := runtime.Load(&runtime.Config{
		FS: fstest.MapFS{"app.star": {Data: []byte(`
load("@response", "text")
load("@route", "get", "group", "router")

def index(environ):
    return text("hello")

def note(environ, id):
    return text("note %d" % id)

app = router([
    get("/", index),
    group("/notes", [get("/{id:int}", note, name = "note")]),
])
`)}},
		Modules: []*host.Module{response.Module(), route.Module()},
	}, "app.star")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer p.Close()
	err = p.Call(context.Background(), func(
		_ context.Context, _ *starlark.Thread, app starlark.Callable,
	) error {
		rows, _ := route.Rows(app)
		for _, r := range rows {
			fmt.Println(strings.Join(r.Methods, ","), r.Pattern, r.Handler, r.Place)
		}
		return nil
	})
	if err != nil {
		fmt.Println(err)
	}
	// Output:
	// GET / index app.star:12:8
	// GET /notes/{id:int} note app.star:13:25
}
