package site_test

import (
	"context"
	"io/fs"
	"log/slog"
	"reflect"
	"testing"
	"testing/fstest"

	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/server/site"
	"go.starlark.net/starlark"
)

// A counted is a module that counts how often it is opened.
type counted struct {
	module *host.Module
	opened int
}

func newCounted() *counted {
	c := new(counted)
	c.module = &host.Module{
		Name: "shop", Doc: "A shop.", Members: []host.Member{{Name: "name"}},
		Open: func(*host.Load) (any, error) {
			c.opened++
			return starlark.StringDict{"name": starlark.String("Lark & Sons")}, nil
		},
	}
	return c
}

// TestSameApplication verifies that an application which is described again as it was goes on as
// it is, also if it has what cannot be compared: modules, advice, grants that are connections.
// Any other value in a field is another application; a field that is new has to be added here.
func TestSameApplication(t *testing.T) {
	c := newCounted()
	script := []byte("load(\"@shop\", \"name\")\ndef app(environ, start_response): pass\n")
	files := fstest.MapFS{"app.star": {Data: script}, "other.star": {Data: script}}
	grant := &struct{ f func() }{func() {}}
	describe := func() *site.Application {
		return &site.Application{
			FS: files, Dir: "somewhere", Entry: "app.star", Limits: runtime.Limits{Depth: 100},
			Modules: []*host.Module{c.module}, Grants: map[string]any{"sql": grant},
			Advice:  func(string, *host.Module) string { return "ask for it" },
			Environ: map[string]string{"blog.title": "Larks"},
		}
	}
	others := map[string]func(*site.Application){
		"FS":      func(a *site.Application) { a.FS = fs.FS(renamed{files}) },
		"Dir":     func(a *site.Application) { a.Dir = "elsewhere" },
		"Source":  func(a *site.Application) { a.Source = still{} },
		"Entry":   func(a *site.Application) { a.Entry = "other.star" },
		"Limits":  func(a *site.Application) { a.Limits.Depth = 200 },
		"Modules": func(a *site.Application) { a.Modules = append(a.Modules, &host.Module{Name: "x"}) },
		"Grants":  func(a *site.Application) { a.Grants["sql"] = &struct{ f func() }{} },
		"Advice":  nil, // what a refusal says is no reason to load anything again
		"Environ": func(a *site.Application) { a.Environ["blog.title"] = "Spurs" },
	}
	s := &site.Server{Logger: quiet}
	loads := func(a *site.Application) bool {
		t.Helper()
		before := c.opened
		if err := s.Set(&site.Site{Mounts: []site.Mount{{App: a}}}); err != nil {
			t.Fatal(err)
		}
		return c.opened > before
	}
	if !loads(describe()) {
		t.Fatal("the application is not loaded")
	}
	if loads(describe()) {
		t.Error("an application that is described as it was is loaded again")
	}
	for i := range reflect.TypeFor[site.Application]().NumField() {
		name := reflect.TypeFor[site.Application]().Field(i).Name
		change, ok := others[name]
		if !ok {
			t.Errorf("nothing tells whether %s makes another application", name)
		}
		if change == nil {
			continue
		}
		other := describe()
		change(other)
		if !loads(other) {
			t.Errorf("an application with another %s is taken for the same", name)
		}
		if !loads(describe()) {
			t.Errorf("the application with the first %s is taken for the one that runs", name)
		}
	}
	if err := s.Set(new(site.Site)); err != nil {
		t.Error(err)
	}
}

// still is a source that has nothing new, until its application ends.
type still struct{}

func (still) Follow(ctx context.Context, live *runtime.Live, _ *slog.Logger) {
	if live.Generation() == 1 {
		<-ctx.Done()
	}
}

// renamed is a tree of another type.
type renamed struct{ fstest.MapFS }
