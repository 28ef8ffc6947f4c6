package template_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/larkspur-web/larkspur/environ/lib/template"
	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"
	"go.starlark.net/syntax"
)

// tree makes a tree of files below templates.
func tree(files map[string]string) fstest.MapFS {
	fsys := fstest.MapFS{}
	for name, text := range files {
		fsys["templates/"+name] = &fstest.MapFile{Data: []byte(text)}
	}
	return fsys
}

// eval evaluates an expression of script in which templates and struct are known.
func eval(t testing.TB, fsys fstest.MapFS, expr string) (starlark.Value, error) {
	t.Helper()
	c := template.Config{
		Markdown: func(s string) (string, error) { return "<p>" + s + "</p>", nil },
		URLFor: func(env starlark.Mapping, name string, params map[string]starlark.Value, order []string) (string, error) {
			if name == "bad" {
				return "", errors.New("no route is called bad")
			}
			script, _, _ := env.Get(starlark.String("SCRIPT_NAME"))
			return fmt.Sprintf("%s/%s?%v", string(script.(starlark.String)), name, params[order[0]]), nil
		},
	}
	env, err := template.Module(c).Values(&host.Load{Tree: fsys})
	if err != nil {
		t.Fatal(err)
	}
	env["struct"] = starlark.NewBuiltin("struct", starlarkstruct.Make)
	env["raw"] = host.HTML("<b>bold</b>")
	return starlark.EvalOptions(&syntax.FileOptions{Set: true}, new(starlark.Thread), "app.star", expr, env)
}

// render writes the one template with data, as arguments of a call.
func render(t testing.TB, text, data string) (string, error) {
	t.Helper()
	fsys := tree(map[string]string{"t.html": text})
	functions := `{"double": lambda x: 2 * x, "join": lambda a, b: a + "-" + b, "bad": lambda: 1 // 0}`
	v, err := eval(t, fsys, `templates("templates", `+functions+`).render("t.html", `+data+`)`)
	if err != nil {
		return "", err
	}
	return string(v.(starlark.String)), nil
}

// TestValues writes values of the language, by its rules.
func TestValues(t *testing.T) {
	for _, test := range []struct{ text, data, want string }{
		{"{{.x}}", `x = "a < b"`, "a &lt; b"},
		{"{{.x}}", `x = 1 << 70`, "1180591620717411303424"},
		{"{{.x}} {{.y}} {{.z}}", `x = True, y = None, z = 1.5`, "True  1.5"},
		{"{{.x}}", `x = ["<", 1]`, "[&#34;&lt;&#34;, 1]"},
		{"{{.x}}", `x = b"<b>"`, "&lt;b&gt;"},
		{"{{.x}}", `x = raw`, "<b>bold</b>"},
		{`<a title="{{.x}}">`, `x = raw`, `<a title="bold">`},
		{"{{.x.y.z}}", `x = struct(y = {"z": 3})`, "3"},
		{"{{.x.upper}} {{.d.keys}}", `x = "a", d = {"k": 1}`, `A [&#34;k&#34;]`},
		{"{{.d.keys}}", `d = {"keys": 1}`, "1"},
		{`{{(.f 2).x}} {{call .f 3 | printf "%v"}}`, `f = lambda n: {"x": n}`, "2 {&#34;x&#34;: 3}"},
		{"{{double 2}} {{.x | double}} {{double .x | double}}", `x = 5`, "4 10 20"},
		{`{{join "a" "b"}} {{"b" | join "a"}}`, ``, "a-b a-b"},
		{"{{range .x}}{{.}},{{end}}", `x = [1, 2]`, "1,2,"},
		{"{{range $i, $v := .x}}{{$i}}{{$v}}{{.}},{{end}}", `x = ("a", "b")`, "0aa,1bb,"},
		{"{{range $k, $v := .x}}{{$k}}{{$v}},{{end}}", `x = {"b": 1, "a": 2}`, "b1,a2,"},
		{"{{range .x}}{{.}}{{else}}none{{end}}", `x = []`, "none"},
		{"{{range .x}}{{.}}{{else}}none{{end}}", `x = None`, "none"},
		{"{{range 3}}{{.}}{{end}}{{range $n := 2}}{{$n}}{{end}}", ``, "01201"},
		{"{{range .x}}{{if eq . 2}}{{continue}}{{end}}{{if eq . 4}}{{break}}{{end}}{{.}}{{end}}", `x = [1, 2, 3, 4, 5]`, "13"},
		{"{{range .x}}{{range .}}{{.}}{{$.y}}{{end}};{{end}}", `x = [[1], [2, 3]], y = "-"`, "1-;2-3-;"},
		{"{{range .x}}{{.}}{{end}}", `x = set([1, 2])`, "12"},
		{"{{if .x}}yes{{else if .y}}why{{else}}no{{end}}", `x = [], y = 0.0`, "no"},
		{"{{if .x}}yes{{else if .y}}why{{else}}no{{end}}", `x = {}, y = [0]`, "why"},
		{"{{with .x}}{{.y}}{{else}}no{{end}}{{.z}}", `x = {"y": 1}, z = 2`, "12"},
		{"{{with $x := .x}}{{$x}}{{end}}", `x = 7`, "7"},
		{"{{$x := 1}}{{if true}}{{$x = 2}}{{$y := 3}}{{$y}}{{end}}{{$x}}", ``, "32"},
		{"{{range $i, $x := .x}}{{$y := $x}}{{$i}}{{$y}}{{end}}", `x = "ab".elems()`, "0a1b"},
		{`{{len .x}} {{index .x 1}} {{index .x -1}} {{index .d "k" 0}}`, `x = [1, 2], d = {"k": [9]}`, "2 2 2 9"},
		{`{{slice .x 1}} {{slice .x 1 2}} {{slice .x -1}}`, `x = "abc"`, "bc b c"},
		{`{{get . "x"}}{{get . "x" "none"}}{{get .s "f" 1}}`, `s = struct(f = 5)`, "none5"},
		{`{{eq .x 1}} {{eq .x 2 3 1}} {{ne .x 1}} {{lt .x 2}} {{ge .x 1.0}} {{eq .x "1"}}`, `x = 1`, "True True False True True False"},
		{`{{and .x .y}} {{or .x .y}} {{not .x}} {{and .x (index .x 0)}}`, `x = [], y = 2`, "[] 2 True []"},
		{`{{printf "%05.2f|%3d|%s|%v|%x" 1 2 "a" .x 255}}`, `x = True`, "01.00|  2|a|True|ff"},
		{`{{print "a" 1 2 "b"}}{{println 1}}`, ``, "a1 2b1\n"},
		{`{{html "<"}} {{urlquery "a b"}} {{"<" | html}}`, ``, "&lt; a&#43;b &lt;"},
		{`{{markdown "*"}} {{nonce}}|`, ``, "<p>*</p> |"},
		{`{{nonce}}`, `environ = {"larkspur.nonce": "abc"}`, "abc"},
		{`<a href="{{url_for "note" "id" 3}}">`, `environ = {"SCRIPT_NAME": "/app"}`, `<a href="/app/note?3">`},
		{`{{define "x"}}[{{.}}]{{end}}{{template "x" .x}}{{template "x"}}`, `x = 1`, "[1][]"},
		{`{{define "x"}}{{if gt . 0}}{{.}}{{template "x" (double -1)}}{{end}}{{end}}{{template "x" 5}}`, ``, "5"},
		{`{{block "x" .}}{{.x}}{{end}}`, `x = 1`, "1"},
		{`{{0x10}} {{'a'}} {{1.5}} {{18446744073709551615}} {{"q\n" | printf "%q"}}`, ``, "16 97 1.5 18446744073709551615 &#34;q\\n&#34;"},
		{"{{/* not seen */}}a {{- 1 -}} b<!-- gone -->", ``, "a1b"},
		{"\ufeff<p>{{.x}}", `x = 1`, "<p>1"},
		// Contexts.
		{`<a href="/n/{{.x}}?q={{.y}}" title='{{.y}}'>`, `x = "a b", y = "a&b"`, `<a href="/n/a%20b?q=a%26b" title='a&amp;b'>`},
		{`<a href="{{.x}}">`, `x = "javascript:alert(1)"`, `<a href="#ZgotmplZ">`},
		{`<script>var x = {{.x}}, y = {{.y}}, z = "{{.z}}";</script>`, `x = {"b": [1, None, True]}, y = None, z = "</script>"`,
			`<script>var x = {"b":[1,null,true]}, y =  null , z = "\u003c\/script\u003e";</script>`},
		{`<script>f({{.x}})</script>`, `x = "</script><b>"`, `<script>f("\u003c/script\u003e\u003cb\u003e")</script>`},
		{`<p style="color: {{.x}}">`, `x = "expression(1)"`, `<p style="color: ZgotmplZ">`},
		{`<p class={{.x}}>`, `x = "a b"`, `<p class=a&#32;b>`},
		{`<textarea>{{.x}}</textarea>`, `x = "</textarea>"`, `<textarea>&lt;/textarea&gt;</textarea>`},
		// A template in more than one context.
		{`{{define "v"}}{{.}}{{end}}{{template "v" .x}}<a href="?q={{template "v" .x}}" title="{{template "v" .x}}"><script>x({{template "v" .x}})</script>`,
			`x = "<&"`, `&lt;&amp;<a href="?q=%3c%26" title="&lt;&amp;"><script>x("\u003c\u0026")</script>`},
		{`{{define "w"}}{{template "v" .}}{{end}}{{define "v"}}{{.}}{{end}}<a title="{{template "w" .x}}">`, `x = "\""`, `<a title="&#34;">`},
	} {
		got, err := render(t, test.text, test.data)
		if err != nil || got != test.want {
			t.Errorf("%s with %s: %v\n got %s\nwant %s", test.text, test.data, err, got, test.want)
		}
	}
}

// TestHarmless verifies that what html/template replaces is said, with its place and what to do.
func TestHarmless(t *testing.T) {
	for _, test := range []struct{ text, x, want string }{
		{"<p>\n<img src=\"{{.x}}\">", `"data:image/png;base64,AAAA"`, `templates/t.html:2:13: t.html: "data:image/png;base64,AAAA" ` +
			`can load or run something there, and is written as ZgotmplZ; what is yours and trusted is passed as an ` +
			`element of @html, as html.img(src = ...)`},
		{`<a href="{{.x}}">`, `"https://x"`, ""},
		{`<a href="{{.x}}">`, `"/ZgotmplZ" if False else "/x y"`, ""},
		{`<p>{{.x}}`, `"ZgotmplZ"`, ""},
	} {
		values, err := template.Module(template.Config{}).Values(&host.Load{Tree: tree(map[string]string{"t.html": test.text})})
		if err != nil {
			t.Fatal(err)
		}
		said := ""
		thread := &starlark.Thread{Print: func(t *starlark.Thread, text string) {
			said += host.Position(t.CallStack()).String() + ": " + text
		}}
		expr := `templates("templates").render("t.html", x = ` + test.x + `)`
		if _, err := starlark.EvalOptions(&syntax.FileOptions{}, thread, "a.star", expr, values); err != nil || said != test.want {
			t.Errorf("%s: %v\n got %s\nwant %s", test.text, err, said, test.want)
		}
	}
}

// TestFailures has templates fail at a line, with what is wrong and what was meant.
func TestFailures(t *testing.T) {
	for _, test := range []struct{ text, data, want string }{
		{"a\n  {{.titel}}", `title = 1`, "t.html:2:5: the dict has no item titel; did you mean title?"},
		{"{{.x.nmae}}", `x = {"name": 1}`, "t.html:1:5: .x (dict) has no item nmae; did you mean name?"},
		{"{{.x.q}}", `x = {"name": 1, "id": 2}`, "t.html:1:5: .x (dict) has no item q; it has name, id"},
		{"{{.x.q}}", `x = struct(name = 1)`, "t.html:1:5: .x (struct) has no attribute q"},
		{"{{.x.q}}", `x = None`, "t.html:1:5: .x is None, which has no q"},
		{"{{.x.q}}", `x = 1`, "t.html:1:5: .x (int) has no attribute q"},
		{"{{range .x}}{{end}}", `x = 1.5`, "t.html:1:9: .x is float, which has no elements to range over"},
		{"{{lt .x 1}}", `x = "a"`, "t.html:1:3: lt: string < int not implemented"},
		{"{{index .x 5}}", `x = [1]`, "t.html:1:3: index: the list has no index 5: its length is 1"},
		{`{{index .x "k"}}`, `x = {}`, `t.html:1:3: index: the dict has no key "k"`},
		{"{{.x 1}}", `x = 1`, "t.html:1:3: .x is int, not a function: it takes no arguments"},
		{"{{.x}}", `x = len`, "t.html:1:3: len is a function: to write what it returns, {{call ...}} it"},
		{"{{len 1}}", ``, "t.html:1:3: len: int has no length"},
		{"{{len}}", ``, "t.html:1:3: len: got 0 arguments, want 1"},
		{"\n{{bad}}", ``, "floored division by zero"},
		{`{{url_for "x"}}`, ``, "url_for: it needs the request: answer with .response(environ, ...)"},
		{`{{url_for "bad"}}`, `environ = {}`, "t.html:1:3: url_for: no route is called bad"},
		{`{{url_for "x" 1}}`, ``, `a value for each parameter`},
		{`{{printf "%d" "a"}}`, ``, `does not fit its arguments`},
		{`{{printf "%9999d" 1}}`, ``, `a width of more than 999`},
		{`{{define "x"}}{{template "x"}}{{end}}{{template "x"}}`, ``, "1000 templates call each other without end"},
		{`{{define "x"}}{{$.y}}{{end}}{{template "x" .x}}`, `x = 1`, "$ (int) has no attribute y"},
		// At load.
		{"a\n{{.x", ``, "templates/t.html:2: unclosed action"},
		{"a\n{{.x\n\n", ``, "templates/t.html:2: an action is not closed: }} is missing"},
		{"{{if .x}}", ``, "templates/t.html:1: unexpected EOF"},
		{"{{pritn .x}}", ``, "templates/t.html:1: there is no function pritn; did you mean print?"},
		{"{{title}}", ``, "there is no function title; a value is written with a dot, {{.title}}"},
		{"{{$x}}", ``, `templates/t.html:1: undefined variable "$x"`},
		{"\n {{template \"rwo\"}}{{define \"row\"}}{{end}}", ``, `templates/t.html:2:13: there is no template "rwo"; did you mean "row"?`},
		{"\n<a href=\"{{if .x}}'{{end}}\n", ``, "templates/t.html"},
		{"<p>\n<a title=\"", ``, "templates/t.html: the page ends inside of a tag"},
		{"<p>\n<script>{{if .x}}\"{{end}}</script>", ``, "templates/t.html:2"},
		{"<p {{.x | html | print}}>", ``, `predefined escaper "html" disallowed`},
		{"\n{{range .x}<p>{{end}}", ``, "t.html:2: bad character U+007D '}': an action ends with }}"},
		{"{{if .x == 1}}{{end}}", ``, "compare by eq .a .b"},
		{"{{for x in y}}{{end}}", ``, "there is no function for; write {{range"},
		{"{{endif}}", ``, "write {{end}}"},
		{"{{.x | safe}}", ``, "write html.raw(text)"},
		{"a\n{% for x in y %}", ``, "t.html:2: {% for %} is Jinja's; write {{range"},
		{"a\n{%- endblock %}", ``, "{% endblock %} is Jinja's; write {{end}}"},
		{"{{1i}}", ``, "1i is not a number"},
		{`{{"a" 1}}`, ``, "is not a function"},
		{"\xff", ``, "templates/t.html: the file is not UTF-8"},
	} {
		_, err := render(t, test.text, test.data)
		said := ""
		if err != nil {
			said = host.PlaceOf(err) + ": " + err.Error()
		}
		if !strings.Contains(said, test.want) {
			t.Errorf("%s with %s:\n got %s\nwant %s", test.text, test.data, said, test.want)
		}
	}
}

// TestStack puts the line of the template between those of the script.
func TestStack(t *testing.T) {
	_, err := render(t, "<p>\n{{bad}}", ``)
	got := host.BacktraceOf(err)
	want := `Traceback (most recent call last):
  app.star:1:116: in <expr>
  <builtin>: in render
  templates/t.html:2:3: in t.html
  app.star:1:103: in lambda
Error: floored division by zero`
	if got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

// TestPages has pages in layouts.
func TestPages(t *testing.T) {
	files := map[string]string{
		"layout.html": `<title>{{block "title" .}}Site{{end}}</title>{{block "content" .}}{{end}}{{template "_foot.html" .}}`,
		"_foot.html":  `<footer>{{.year}}</footer>`,
		"index.html":  "{{define \"title\"}}Index{{end}}\n{{define \"content\"}}<p>{{.x}}</p>{{end}}\n",
		"plain.html":  "<p>{{.x}}</p>{{template \"_foot.html\" .}}",
		"go.html":     "{{define \"content\"}}[{{.x}}]{{end -}}\n{{template \"layout.html\" .}}",

		"admin/layout.html": `<b>{{block "content" .}}nothing{{end}}</b>{{template "admin/_menu.html"}}`,
		"admin/_menu.html":  `menu`,
		"admin/users.html":  `{{define "content"}}users {{.x}}{{end}}`,
		"admin/root.html":   `{{define "content"}}r{{end}}{{template "layout.html" .}}`,
	}
	for name, want := range map[string]string{
		"index.html":       "<title>Index</title><p>1</p><footer>2026</footer>",
		"plain.html":       "<p>1</p><footer>2026</footer>",
		"go.html":          "<title>Site</title>[1]<footer>2026</footer>",
		"layout.html":      "<title>Site</title><footer>2026</footer>",
		"admin/users.html": "<b>users 1</b>menu",
		"admin/root.html":  "<title>Site</title>r<footer>2026</footer>",
	} {
		got, err := eval(t, tree(files), fmt.Sprintf("templates('templates').render(%q, x = 1, year = 2026)", name))
		if err != nil || got != starlark.String(want) {
			t.Errorf("%s: %v\n got %v\nwant %q", name, err, got, want)
		}
	}
	for _, test := range []struct{ name, text, want string }{
		{"_foot2.html", `{{define "title"}}x{{end}}`, `it defines the template "title", and so does templates/_foot2.html`},
		{"x.html", `{{template "index.html" .}}`, `templates/x.html:1:12: there is no template "index.html", neither defined nor shared`},
		{"x.html", `{{template "_menu.html" .}}`, `there is no template "_menu.html"`},
		{"sub/_x.html", `{{.x`, `templates/sub/_x.html:1: unclosed action`},
	} {
		more := tree(files)
		more["templates/"+test.name] = &fstest.MapFile{Data: []byte(test.text)}
		_, err := eval(t, more, `templates("templates")`)
		var found host.Diagnostics
		if !errors.As(err, &found) || !strings.Contains(found[0].String(), test.want) {
			t.Errorf("%s: %v, want %s", test.name, err, test.want)
		}
	}
	two := tree(map[string]string{"a.html": "{{", "b.html": "\n{{", "c.html": `{{define "x"}}1{{end}}`})
	_, err := eval(t, two, `templates("templates")`)
	if err == nil || !strings.Contains(err.Error(), "templates/a.html:1: ") || !strings.Contains(err.Error(), "1 more") {
		t.Errorf("two files are wrong: %v", err)
	}
	delete(two, "templates/a.html")
	delete(two, "templates/b.html")
	_, err = eval(t, two, `templates("templates")`)
	if err == nil || !strings.Contains(err.Error(), "there is no layout.html") {
		t.Errorf("no layout: %v", err)
	}
}

// TestMisuse has the author use the module wrongly.
func TestMisuse(t *testing.T) {
	fsys := tree(map[string]string{"index.html": "{{.x}}"})
	fsys["empty/x.txt"] = &fstest.MapFile{}
	for expr, want := range map[string]string{
		`templates("../x")`:                                                     "leads out of",
		`templates("template")`:                                                 `there is no directory "template" in the application's tree; did you mean "templates"?`,
		`templates("empty")`:                                                    "no file in \"empty\" ends in .html",
		`templates("templates", {"len": len})`:                                  `"len", which templates have already`,
		`templates("templates", {"if": len})`:                                   `"if", which templates have already`,
		`templates("templates", {"a-b": len})`:                                  `functions has the key "a-b", which is no name`,
		`templates("templates", {"a": 1})`:                                      `functions has "a": int, not a function`,
		`templates("templates").render("index")`:                                `did you mean "index.html"?`,
		`templates("templates").render("idnex.html")`:                           `did you mean "index.html"?`,
		`templates("templates").render()`:                                       `render: got 0 arguments, want 1: name is missing; write render("page.html", title = value)`,
		`templates("templates").response("index.html")`:                         `response: got 1 arguments, want 2: environ is missing; write response(environ, "index.html")`,
		`templates("templates").response({})`:                                   `response: got 1 arguments, want 2: name is missing; write response(environ, "page.html")`,
		`templates("templates").response({}, "index.html", x = 1, status = 99)`: "response: status 99 is not between 200 and 599",
		`templates("templates").response({}, "index.html", x = 1, headers = 1)`: "headers is int, neither a list nor a dict",
	} {
		if _, err := eval(t, fsys, expr); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", expr, err, want)
		}
	}
}

// TestLimits bounds what a page can be.
func TestLimits(t *testing.T) {
	_, err := render(t, "{{range 1000000}}{{$.x}}{{end}}", `x = "x" * 1000`)
	if err == nil || !strings.Contains(err.Error(), "the page is larger than 32 MiB") {
		t.Errorf("too much: %v", err)
	}
}
