package template_test

import (
	"testing"
	"testing/fstest"

	"github.com/larkspur-web/larkspur/environ/lib/template"
	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/runtime/host/hosttest"
)

func TestModule(t *testing.T) {
	tree := fstest.MapFS{
		"templates/index.html": {Data: []byte("<h1>{{.title}}</h1>\n")},
		"shop/item.html":       {Data: []byte("<h1>{{.title}}</h1><p>{{.price | euro}}</p>\n")},
	}
	hosttest.Module(t, template.Module(template.Config{}), &host.Load{Tree: tree}, nil)
}
