package template_test

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	libhtml "github.com/larkspur-web/larkspur/environ/lib/html"
	"github.com/larkspur-web/larkspur/environ/lib/template"
	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
	"golang.org/x/net/html"
)

//go:embed testdata/vectors.txt
var vectorsText string

// vectors are what an attacker might send.
func vectors(t testing.TB) (all []string) {
	for line := range strings.Lines(vectorsText) {
		line = strings.TrimSuffix(line, "\n")
		if line == "" || line[0] == '#' {
			continue
		}
		if s, err := strconv.Unquote(line); err == nil {
			line = s
		}
		all = append(all, line)
	}
	if len(all) < 60 {
		t.Fatalf("there are %d vectors", len(all))
	}
	return all
}

// A place is where a value stands in a page.
type place struct {
	class string // what it is to be checked for: text, attribute, URL, script, string, style, name
	text  string // the template, or the expression of a script
}

// places are those of templates, of which {{.x}} is the value.
var places = []place{
	{"text", `<p>{{.x}}</p>`},
	{"text", `<ul>{{range .xs}}<li>{{.}}</li>{{end}}</ul>`},
	{"text", `{{define "v"}}<b>{{.}}</b>{{end}}{{template "v" .x}}`},
	{"text", `<textarea>{{.x}}</textarea>`},
	{"text", `<svg><text>{{.x}}</text></svg>`},
	{"text", `<p>{{printf "%s" .x}}</p>`},
	{"text", `<p>{{.x | html}}</p>`},
	{"none", `<!-- {{.x}} --><p></p>`},
	{"attribute", `<p title="{{.x}}"></p>`},
	{"attribute", `<p title='{{.x}}'></p>`},
	{"attribute", `<p title={{.x}}></p>`},
	{"attribute", `<p class="a {{.x}}"></p>`},
	{"attribute", `<input value="{{.x}}">`},
	{"attribute", `<p data-x="{{.x}}"></p>`},
	{"attribute", `{{define "v"}}{{.}}{{end}}<p title="{{template "v" .x}}"></p>`},
	{"name", `<p {{.x}}="a"></p>`},
	{"URL", `<a href="{{.x}}">a</a>`},
	{"URL", `<a href='{{.x}}'>a</a>`},
	{"URL", `<a href={{.x}}>a</a>`},
	{"URL", `<a href="/q?x={{.x}}">a</a>`},
	{"URL", `<a href="/p/{{.x}}">a</a>`},
	{"URL", `<a href="{{.x}}/p">a</a>`},
	{"URL", `<img src="{{.x}}">`},
	{"URL", `<img srcset="{{.x}}">`},
	{"URL", `<iframe src="{{.x}}"></iframe>`},
	{"URL", `<form action="{{.x}}"><button formaction="{{.x}}">a</button></form>`},
	{"URL", `<object data="{{.x}}"></object>`},
	{"URL", `<meta http-equiv="refresh" content="9999; url={{.x}}">`},
	{"script", `<script>use({{.x}});</script>`},
	{"script", `<script>use({"a": {{.x}}}.a);</script>`},
	{"script", `{{define "v"}}{{.}}{{end}}<script>use({{template "v" .x}});</script>`},
	{"string", `<script>use("{{.x}}");</script>`},
	{"string", `<script>use('{{.x}}');</script>`},
	{"string", "<script>use(`{{.x}}`);</script>"},
	{"code", `<script>use(/a{{.x}}/);</script>`},
	{"code", `<script>use(1); // {{.x}}` + "\n</script>"},
	{"code", `<script>use(1); /* {{.x}} */</script>`},
	{"code", `<script type="application/json">{{.x}}</script>`},
	{"code", `<p onclick="use({{.x}})">a</p>`},
	{"code", `<p onclick="use('{{.x}}')">a</p>`},
	{"code", `<p onclick='use("{{.x}}")'>a</p>`},
	{"style", `<style>p { color: {{.x}} }</style>`},
	{"code", `<style>p { font-family: "{{.x}}" }</style>`},
	{"code", `<style>p { background: url("{{.x}}") }</style>`},
	{"style", `<p style="color: {{.x}}"></p>`},
	{"code", `<p style="background: url('{{.x}}')"></p>`},
}

// made are those of @html, of which x is the value.
var made = []place{
	{"text", `html.p(x)`},
	{"text", `html.ul([html.li(x) for x in [x]])`},
	{"text", `html.p(html.b(x, "a"))`},
	{"text", `html.textarea(x)`},
	{"text", `html.svg(html.text(x))`},
	{"text", `html.element("my-card", x)`},
	{"text", `html.raw("<p>" + html.escape(x) + "</p>")`},
	{"attribute", `html.p(title = x)`},
	{"attribute", `html.p(class_ = ["a", x])`},
	{"attribute", `html.p(class_ = {x: True})`},
	{"attribute", `html.p({"title": x})`},
	{"attribute", `html.input(value = x)`},
	{"attribute", `html.p(data_x = x)`},
	{"attribute", `html.p(id = x, hx_get = x)`},
	{"attribute", `html.element("my-card", title = x)`},
	{"name", `html.p({x: "a"})`},
	{"none", `html.element(x)`},
	{"URL", `html.a("a", href = x)`},
	{"URL", `html.a("a", href = "/q?x=" + x)`},
	{"URL", `html.a("a", {"xlink:href": x})`},
	{"URL", `html.img(src = x)`},
	{"URL", `html.img(srcset = x)`},
	{"URL", `html.iframe(src = x)`},
	{"URL", `html.form(html.button("a", formaction = x), action = x)`},
	{"URL", `html.object(data = x)`},
	{"URL", `html.meta(http_equiv = "refresh", content = "9999; url=" + x)`},
	{"URL", `html.svg(html.element("animate", attributeName = "href", values = x))`},
	{"script", `html.script(html.raw("use("), html.json(x), html.raw(");"))`},
	{"code", `html.script(html.json(x), type = "application/json")`},
	{"code", `html.script(x)`},
	{"code", `html.style(x)`},
	{"code", `html.p("a", onclick = x)`},
	{"code", `html.p("a", {"@click": x})`},
	{"code", `html.iframe(srcdoc = x)`},
	{"style", `html.p(style = "color: " + x)`},
	{"style", `html.p(style = {"color": x})`},
	{"style", `html.p(style = {x: "red"})`},
}

// A writer writes the place with a value; "" if it is refused.
type writer func(value string) (string, error)

// templated writes a template.
func templated(t testing.TB, text string) writer {
	env, err := template.Module(template.Config{}).Values(&host.Load{Tree: tree(map[string]string{"t.html": text})})
	if err != nil {
		t.Fatal(err)
	}
	thread := new(starlark.Thread)
	pages, err := starlark.Call(thread, env["templates"], starlark.Tuple{starlark.String("templates")}, nil)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	render, _ := pages.(starlark.HasAttrs).Attr("render")
	return func(value string) (string, error) {
		x := starlark.String(value)
		kwargs := []starlark.Tuple{{starlark.String("x"), x}, {starlark.String("xs"), starlark.NewList([]starlark.Value{x})}}
		v, err := starlark.Call(new(starlark.Thread), render, starlark.Tuple{starlark.String("t.html")}, kwargs)
		if err != nil {
			return "", err
		}
		return string(v.(starlark.String)), nil
	}
}

// elements writes an expression of @html.
func elements(t testing.TB, expr string) writer {
	env, err := libhtml.Module().Values(new(host.Load))
	if err != nil {
		t.Fatal(err)
	}
	return func(value string) (string, error) {
		env := starlark.StringDict{"html": env["html"], "x": starlark.String(value)}
		v, err := starlark.EvalOptions(new(syntax.FileOptions), new(starlark.Thread), "x", expr, env)
		if err != nil {
			return "", err
		}
		return v.(host.Markup).HTML(), nil
	}
}

// TestVectors writes what an attacker might send into each place, and parses what comes out as a
// browser does: the page must have the elements and attributes that it has with a harmless word.
func TestVectors(t *testing.T) {
	all := vectors(t)
	for module, list := range map[string][]place{"template": places, "html": made} {
		for _, p := range list {
			t.Run(module+" "+p.class+" "+p.text, func(t *testing.T) {
				w := templated
				if module == "html" {
					w = elements
				}
				write := w(t, p.text)
				for _, v := range all {
					p.check(t, module, write, v)
				}
			})
		}
	}
}

func (p place) check(t *testing.T, module string, write writer, vector string) {
	t.Helper()
	out, err := write(vector)
	if err != nil {
		if host.Panicked(err) || p.class == "text" || p.class == "attribute" || p.class == "URL" {
			t.Errorf("%q: %v", vector, err)
		}
		return // it is refused, and the place in the script named
	}
	harmless, err := write("word")
	if err != nil { // the place takes no word at all
		harmless, out = "", ""
	}
	got, want := parsed(t, out), parsed(t, harmless)
	if p.class == "name" || p.text == `html.element(x)` {
		got.shape, want.shape = "", ""
	}
	if got.shape != want.shape {
		t.Errorf("%q: %s\nhas the shape %s, want %s", vector, out, got.shape, want.shape)
	}
	for _, fault := range got.faults {
		t.Errorf("%q: %s: %s", vector, out, fault)
	}
	switch p.class {
	case "text":
		said := browserText(vector)
		if strings.Contains(p.text, "textarea") && module == "template" {
			said = strings.TrimPrefix(said, "\n") // a parser drops one
		}
		if strings.Contains(p.text, "escape") {
			said = strings.ReplaceAll(said, "\ufffd", "") // Python's leaves NUL, and a parser drops it
		}
		if !slices.Contains(got.texts, said) && !slices.Contains(got.texts, said+"a") {
			t.Errorf("%q: the text is %q", vector, got.texts)
		}
	case "script":
		script := strings.Join(got.scripts, "")
		script = strings.TrimSuffix(strings.TrimPrefix(strings.TrimPrefix(script, "use("), `{"a": `), ");")
		var value string
		if err := json.Unmarshal([]byte(strings.TrimSuffix(script, "}.a")), &value); err != nil || value != vector {
			t.Errorf("%q: the script has %q (%v), which is %q", vector, script, err, value)
		}
	case "string":
		script := strings.Join(got.scripts, "")
		inside := script[len("use(x") : len(script)-len("x);")]
		if strings.ContainsAny(strings.ReplaceAll(inside, `\\`, ""), "\"'`\n\r\u2028\u2029</") && !escapedAll(inside) {
			t.Errorf("%q: the script is %q", vector, script)
		}
	case "style":
		for _, style := range got.styles {
			value := style[strings.LastIndexByte(style, ':')+1:]
			if strings.ContainsAny(value, `\"'<@`) || strings.Contains(value, "url") || strings.Contains(value, "expression") {
				t.Errorf("%q: the style is %q", vector, style)
			}
		}
	}
}

// escapedAll reports whether each character that means something in a string of JavaScript has a
// backslash before it.
func escapedAll(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' {
			i++
		} else if strings.IndexByte("\"'`\n\r<", s[i]) >= 0 {
			return false
		}
	}
	return !strings.ContainsAny(s, "\u2028\u2029")
}

// browserText is what a parser makes of a text: it has no NUL, and no carriage return.
func browserText(s string) string {
	s = strings.ReplaceAll(s, "\x00", "\ufffd")
	return strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n")
}

// A reading is what a parser sees in a page.
type reading struct {
	shape                          string // the elements and the names of their attributes
	texts, scripts, styles, faults []string
}

func parsed(t *testing.T, page string) (r reading) {
	t.Helper()
	doc, err := html.Parse(strings.NewReader("<!DOCTYPE html><body>" + page))
	if err != nil {
		t.Fatal(err)
	}
	var shape strings.Builder
	for n := range doc.Descendants() {
		if n.Type == html.TextNode {
			switch n.Parent.Data {
			case "script":
				r.scripts = append(r.scripts, n.Data)
			case "style":
				r.styles = append(r.styles, strings.TrimSuffix(n.Data, " }"))
			default:
				r.texts = append(r.texts, n.Data)
			}
		}
		if n.Type != html.ElementNode {
			continue
		}
		shape.WriteString("<" + n.Data)
		for _, a := range n.Attr {
			shape.WriteString(" " + a.Key)
			r.attribute(n.Data, a)
		}
		shape.WriteString(">")
	}
	r.shape = shape.String()
	return r
}

// attribute notes what an attribute could run.
func (r *reading) attribute(element string, a html.Attribute) {
	switch key := strings.ToLower(a.Key); {
	case key == "onclick" && (strings.HasPrefix(a.Val, "use(") && strings.HasSuffix(a.Val, ")")):
		r.scripts = append(r.scripts, a.Val)
	case strings.HasPrefix(key, "on"):
		r.faults = append(r.faults, "the handler "+a.Key)
	case key == "style":
		r.styles = append(r.styles, a.Val)
	case key == "href", key == "src", key == "action", key == "formaction", key == "data",
		key == "srcset", key == "values" && element == "animate", key == "content":
		val := a.Val
		if key == "content" {
			_, val, _ = strings.Cut(a.Val, "url=")
		}
		// As a browser does before it looks for a scheme.
		val = strings.Map(func(c rune) rune {
			if c == '\t' || c == '\n' || c == '\r' {
				return -1
			}
			return c
		}, strings.TrimLeft(val, "\x00\x01\x02\x03\x04\x05\x06\x07\x08\x0b\x0c\x0e\x0f\x1f "))
		scheme, _, ok := strings.Cut(val, ":")
		if ok && !strings.ContainsAny(scheme, "/?#%&; ") && !slices.Contains([]string{"http", "https", "mailto", "tel", "evil.example"}, strings.ToLower(scheme)) {
			r.faults = append(r.faults, fmt.Sprintf("%s is %q", a.Key, a.Val))
		}
	}
}

// TestSrcdoc refuses what html/template escapes once where it must twice.
func TestSrcdoc(t *testing.T) {
	for _, text := range []string{`<iframe srcdoc="{{.x}}">`, "<iframe\nSRCDOC = '<p>{{if .x}}{{.x}}{{end}}'>", `<iframe srcdoc={{.x}}>`} {
		_, err := eval(t, fstest.MapFS{"templates/t.html": {Data: []byte(text)}}, `templates("templates")`)
		if err == nil || !strings.Contains(err.Error(), "srcdoc") {
			t.Errorf("%s: %v", text, err)
		}
	}
	if _, err := render(t, `<iframe srcdoc="<p>a</p>" title="{{.x}}"></iframe>`, `x = 1`); err != nil {
		t.Error(err)
	}
}
