package template_test

import (
	"context"
	"fmt"
	"testing/fstest"

	"github.com/larkspur-web/larkspur/environ/lib/template"
	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

func ExampleModule() {
	tree := fstest.MapFS{
		"templates/layout.html": {Data: []byte(`<title>{{block "title" .}}Notes{{end}}</title>{{block "content" .}}{{end}}`)},
		"templates/index.html":  {Data: []byte(`{{define "content"}}<ul>{{range .notes}}<li>{{.title}}</li>{{end}}</ul>{{end}}`)},
		"app.star": {Data: []byte(`
load("@template", "templates")

pages = templates("templates")

def app():
    return pages.render("index.html", notes = [{"title": "tea & milk"}, {"title": "bread"}])
`)},
	}
	modules := []*host.Module{template.Module(template.Config{})}
	p, err := runtime.Load(&runtime.Config{FS: tree, Modules: modules}, "app.star")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer p.Close()
	err = p.Call(context.Background(), func(_ context.Context, t *starlark.Thread, app starlark.Callable) error {
		page, err := starlark.Call(t, app, nil, nil)
		fmt.Println(string(page.(starlark.String)))
		return err
	})
	if err != nil {
		fmt.Println(err)
	}
	// Output:
	// <title>Notes</title><ul><li>tea &amp; milk</li><li>bread</li></ul>
}
