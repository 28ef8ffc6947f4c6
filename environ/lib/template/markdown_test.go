package template_test

import (
	"testing"

	"github.com/larkspur-web/larkspur/environ/lib/template"
	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/runtime/lib/markdown"
	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// TestMarkup has HTML of other modules in a template: it is taken as it is, and text is not.
func TestMarkup(t *testing.T) {
	files := tree(map[string]string{"t.html": `{{.made}}{{markdown .text}}{{.text}}`})
	env, err := template.Module(template.Config{Markdown: markdown.Render}).Values(&host.Load{Tree: files})
	if err != nil {
		t.Fatal(err)
	}
	more, err := markdown.Module().Values(new(host.Load))
	if err != nil {
		t.Fatal(err)
	}
	env["markdown"] = more["markdown"]
	v, err := starlark.EvalOptions(new(syntax.FileOptions), new(starlark.Thread), "x", `templates("templates").render("t.html", made = markdown("*a*"), text = "*<b>*")`, env)
	const want = "<p><em>a</em></p>\n<p><em></em></p>\n*&lt;b&gt;*"
	if err != nil || v != starlark.String(want) {
		t.Errorf("%v, %v; want %q", v, err, want)
	}
}
