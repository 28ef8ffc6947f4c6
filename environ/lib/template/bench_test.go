package template_test

import (
	"fmt"
	"html/template"
	"io"
	"strings"
	"testing"

	libtemplate "github.com/larkspur-web/larkspur/environ/lib/template"
	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// table is a page of rows as applications have it: text, an address, a condition and a number.
const table = `<table>
{{range .rows}}<tr class="{{.kind}}"><td>{{.id}}</td><td><a href="/notes/{{.id}}">{{.title}}</a></td>` +
	`<td>{{if .done}}done{{else}}open{{end}}</td><td>{{.owner}}</td></tr>
{{end}}</table>`

// row is a row for html/template.
type row struct {
	ID                 int
	Kind, Title, Owner string
	Done               bool
}

func rows() []row {
	all := make([]row, 1000)
	for i := range all {
		all[i] = row{i, "note", fmt.Sprintf("Title %d of <many>", i), "ada & bob", i%2 == 0}
	}
	return all
}

// goTable is the page by html/template with values of Go.
func goTable(b testing.TB) func(w io.Writer) error {
	text := strings.NewReplacer(".rows", ".Rows", ".kind", ".Kind", ".id", ".ID", ".title", ".Title",
		".done", ".Done", ".owner", ".Owner").Replace(table)
	t := template.Must(template.New("t").Parse(text))
	data := struct{ Rows []row }{rows()}
	return func(w io.Writer) error { return t.Execute(w, data) }
}

// ownTable is the page by @template with values of a script.
func ownTable(b testing.TB) func() (starlark.Value, error) {
	env, err := libtemplate.Module(libtemplate.Config{}).Values(&host.Load{Tree: tree(map[string]string{"t.html": table})})
	if err != nil {
		b.Fatal(err)
	}
	thread := new(starlark.Thread)
	pages, err := starlark.Call(thread, env["templates"], starlark.Tuple{starlark.String("templates")}, nil)
	if err != nil {
		b.Fatal(err)
	}
	render, err := pages.(starlark.HasAttrs).Attr("render")
	if err != nil {
		b.Fatal(err)
	}
	list := make([]starlark.Value, 0, 1000)
	for _, r := range rows() {
		d := starlark.NewDict(5)
		for key, v := range map[string]starlark.Value{
			"id": starlark.MakeInt(r.ID), "kind": starlark.String(r.Kind), "title": starlark.String(r.Title),
			"owner": starlark.String(r.Owner), "done": starlark.Bool(r.Done),
		} {
			if err := d.SetKey(starlark.String(key), v); err != nil {
				b.Fatal(err)
			}
		}
		list = append(list, d)
	}
	args := starlark.Tuple{starlark.String("t.html")}
	kwargs := []starlark.Tuple{{starlark.String("rows"), starlark.NewList(list)}}
	return func() (starlark.Value, error) { return starlark.Call(thread, render, args, kwargs) }
}

// TestTable holds that the two pages of the benchmark are the same.
func TestTable(t *testing.T) {
	var want strings.Builder
	if err := goTable(t)(&want); err != nil {
		t.Fatal(err)
	}
	got, err := ownTable(t)()
	if err != nil || string(got.(starlark.String)) != want.String() {
		t.Errorf("%v: the page differs from that of html/template: %.300s", err, got)
	}
}

// BenchmarkTable is a table of 1,000 rows by both.
func BenchmarkTable(b *testing.B) {
	b.Run("go", func(b *testing.B) {
		execute := goTable(b)
		for b.Loop() {
			var out strings.Builder
			if err := execute(&out); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("larkspur", func(b *testing.B) {
		execute := ownTable(b)
		for b.Loop() {
			if _, err := execute(); err != nil {
				b.Fatal(err)
			}
		}
	})
}
