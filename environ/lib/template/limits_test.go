package template_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/larkspur-web/larkspur/environ/lib/template"
	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// load loads a script beside templates.
func load(t *testing.T, script string, files map[string]string, limits runtime.Limits) *runtime.Program {
	t.Helper()
	fsys := tree(files)
	fsys["app.star"] = &fstest.MapFile{Data: []byte(script)}
	c := &runtime.Config{FS: fsys, Modules: []*host.Module{template.Module(template.Config{})}, Limits: limits}
	p, err := runtime.Load(c, "app.star")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

// called calls the application of a program, which returns a text.
func called(ctx context.Context, p *runtime.Program, args ...starlark.Value) (text string, err error) {
	err = p.Call(ctx, func(_ context.Context, thread *starlark.Thread, app starlark.Callable) error {
		v, err := starlark.Call(thread, app, args, nil)
		text, _ = starlark.AsString(v)
		return err
	})
	return text, err
}

// TestEndless has pages that never end be ended as scripts are: by the steps and the time of the
// call, at their line.
func TestEndless(t *testing.T) {
	const endless = "<p>\n{{range 2000000000}}{{range 2000000000}}{{end}}{{end}}"
	const recursive = "{{define \"x\"}}{{if lt . 900}}{{template \"x\" (inc .)}}{{template \"x\" (inc .)}}{{end}}{{end}}{{template \"x\" 1}}"
	const script = `load("@template", "templates")
pages = templates("templates", functions = {"inc": lambda x: x + 1})
def app(name): return pages.render(name)`
	p := load(t, script, map[string]string{"endless.html": endless, "recursive.html": recursive}, runtime.Limits{Steps: 1_000_000})
	for name, place := range map[string]string{"endless.html": "templates/endless.html:2:", "recursive.html": ""} {
		_, err := called(t.Context(), p, starlark.String(name))
		var limit *runtime.LimitError
		if !errors.As(err, &limit) || limit.Kind != "steps" || !strings.HasPrefix(limit.Place(), place) {
			t.Errorf("%s: %v at %s", name, err, host.PlaceOf(err))
		}
	}
	p = load(t, script, map[string]string{"endless.html": endless}, runtime.Limits{Time: 100 * time.Millisecond})
	_, err := called(t.Context(), p, starlark.String("endless.html"))
	if !host.TimedOut(err) {
		t.Errorf("it is not ended by the time: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	p = load(t, script, map[string]string{"endless.html": endless}, runtime.Limits{Steps: 1 << 60})
	time.AfterFunc(50*time.Millisecond, cancel)
	if _, err = called(ctx, p, starlark.String("endless.html")); !errors.Is(err, context.Canceled) {
		t.Errorf("it is not ended by who called it: %v", err)
	}
}

// TestTogether writes one set, which is a global, for many requests at once.
func TestTogether(t *testing.T) {
	p := load(t, `load("@template", "templates")
pages = templates("templates", functions = {"double": lambda x: 2 * x})
ROWS = [{"id": i, "title": "<%d>" % i} for i in range(50)]
def app(n): return pages.render("t.html", rows = ROWS, n = n)`, map[string]string{
		"layout.html": `{{block "content" .}}{{end}}`,
		"t.html":      `{{define "content"}}<a href="?n={{.n}}" title="{{double .n}}">{{range $i, $r := .rows}}{{$r.title}}{{end}}<script>{{.rows}}</script>{{end}}`,
	}, runtime.Limits{})
	want, err := called(t.Context(), p, starlark.MakeInt(7))
	if err != nil || !strings.Contains(want, `<a href="?n=7" title="14">&lt;0&gt;`) {
		t.Fatalf("%.300s %v", want, err)
	}
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 20 {
				if got, err := called(t.Context(), p, starlark.MakeInt(7)); got != want || err != nil {
					t.Errorf("%.300s %v", got, err)
				}
			}
		})
	}
	group.Wait()
}
