package html_test

import (
	"context"
	"fmt"
	"testing/fstest"

	"github.com/larkspur-web/larkspur/environ/lib/html"
	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

func ExampleModule() {
	tree := fstest.MapFS{"app.star": {Data: []byte(`
load("@html", "html")

def app(names):
    return html.ul([html.li(html.a(n, href = "/users/" + n)) for n in names], class_ = "users")
`)}}
	p, err := runtime.Load(&runtime.Config{FS: tree, Modules: []*host.Module{html.Module()}}, "app.star")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer p.Close()
	names := starlark.NewList([]starlark.Value{starlark.String("ada"), starlark.String("<bob>")})
	err = p.Call(context.Background(), func(_ context.Context, t *starlark.Thread, app starlark.Callable) error {
		list, err := starlark.Call(t, app, starlark.Tuple{names}, nil)
		fmt.Println(list)
		return err
	})
	if err != nil {
		fmt.Println(err)
	}
	// Output:
	// <ul class="users"><li><a href="/users/ada">ada</a></li><li><a href="/users/&lt;bob&gt;">&lt;bob&gt;</a></li></ul>
}
