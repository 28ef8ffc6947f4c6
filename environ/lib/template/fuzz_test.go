package template_test

import (
	"bytes"
	"html/template"
	"strings"
	"testing"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// likeGo writes a place by html/template.
func likeGo(t testing.TB, text string) writer {
	tmpl, err := template.New("t.html").Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return func(value string) (string, error) {
		var b bytes.Buffer
		err := tmpl.Execute(&b, map[string]any{"x": value, "xs": []string{value}})
		return b.String(), err
	}
}

// TestLikeHTMLTemplate writes each vector into each place as html/template does, to the byte.
func TestLikeHTMLTemplate(t *testing.T) {
	for _, p := range places {
		own, other := templated(t, p.text), likeGo(t, p.text)
		for _, v := range append(vectors(t), "", "a", "A1", "é", "\xff", "a+b", "/") {
			same(t, p.text, v, own, other)
		}
	}
}

func same(t *testing.T, text, v string, own, other writer) {
	t.Helper()
	got, err := own(v)
	if err != nil {
		t.Errorf("%s of %q: %v", text, v, err)
		return
	}
	if want, err := other(v); err != nil || got != want {
		t.Errorf("%s of %q: %v\n got %s\nwant %s", text, v, err, got, want)
	}
}

// FuzzValue is TestLikeHTMLTemplate with values of the fuzzer.
func FuzzValue(f *testing.F) {
	var own, other []writer
	for _, p := range places {
		own, other = append(own, templated(f, p.text)), append(other, likeGo(f, p.text))
	}
	for _, v := range vectors(f) {
		f.Add(v)
	}
	f.Fuzz(func(t *testing.T, v string) {
		for i, p := range places {
			same(t, p.text, v, own[i], other[i])
		}
	})
}

// FuzzTemplate loads and writes templates of any text and name: each gives a page or an error with a
// place in a file, and none a panic.
func FuzzTemplate(f *testing.F) {
	for _, p := range places {
		f.Add("t.html", p.text, "word")
	}
	for _, text := range []string{
		"{{define \"a\"}}{{template \"b\" .}}{{end}}{{define \"b\"}}{{template \"a\" .}}{{end}}{{template \"a\" .x}}",
		"{{block \"a\" .}}{{.x}}{{end}}", "{{range $i, $v := .x}}{{break}}{{$v}}{{end}}", "{{with $y := .x}}{{$y.z}}{{else with .x}}{{end}}",
		"{{range .xs}}{{if .}}{{break}}{{else}}{{continue}}{{end}}{{.}}{{end}}", "{{printf \"%[2]*[1]d\" 1 2}}", "{{.x.y.z}}", "{{(index .xs 0).title}}",
		"{{range 9}}{{range 9}}{{.}}{{end}}{{end}}", "{{define \"t.html\"}}x{{end}}y", "{{- .x -}}", "{{slice .x 1 2 | len | eq 1 | not | and 1 | or 0}}",
		"{{define \"a$htmltemplate_x\"}}{{end}}", "{{template \"t.html\" .}}", "{{if .x}}<a href=\"{{else}}<b title='{{end}}{{.x}}", "{{call .f}}{{.f 1}}",
		"<script>`${ {{.x}} }`</script>", "{{1.5e400}}", "{{'\\x00'}}", "{{.x | html | urlquery}}", "{{nil}}", "{{$}}{{$x := 1}}{{$x = .}}{{$x}}",
	} {
		f.Add("a/_t.html", text, "<&>")
	}
	f.Fuzz(func(t *testing.T, name, text, value string) {
		if len(text) > 2000 {
			return
		}
		fsys := tree(map[string]string{name: text})
		if _, err := fsys.Stat("templates/" + name); err != nil || strings.HasPrefix(name, "/") {
			return
		}
		pages, err := eval(t, fsys, `templates("templates")`)
		if err == nil {
			var render starlark.Value
			if render, err = pages.(starlark.HasAttrs).Attr("render"); err != nil {
				t.Fatal(err)
			}
			thread := new(starlark.Thread)
			thread.SetMaxExecutionSteps(100_000)
			x := starlark.String(value)
			kwargs := []starlark.Tuple{{starlark.String("x"), x}, {starlark.String("xs"), starlark.NewList([]starlark.Value{x, starlark.None})}}
			_, err = starlark.Call(thread, render, starlark.Tuple{starlark.String(name)}, kwargs)
		}
		if err == nil {
			return
		}
		if host.Panicked(err) {
			t.Error(err)
		}
		if said := err.Error(); host.PlaceOf(err) == "" && !strings.Contains(said, "no file in") && !strings.Contains(said, "there is no") {
			t.Errorf("%q: no place: %v", text, err)
		}
	})
}
