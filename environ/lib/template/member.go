package template

import (
	"fmt"
	"net/http"

	"github.com/larkspur-web/larkspur/environ"
	"github.com/larkspur-web/larkspur/environ/lib/response"
	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// setType describes the templates of a directory to scripts.
var setType = &host.Type{
	Name: "templates",
	Doc:  "The templates of a directory.",
	Members: []host.Member{
		{
			Name: "render",
			Doc: "Returns what a template makes of values, as a string. It is HTML: what puts it " +
				"into another page writes html.raw(...) of @html around it.",
			Params: []host.Param{
				nameParam(), dataParam("environ = environ is for url_for and nonce"),
			},
			Result: "a string",
			Errors: failures(),
			Example: `templates("templates").render("index.html", title = "a < b")  # ` +
				`"<h1>a &lt; b</h1>\n"
templates("templates").render("index.htm")  # error: did you mean "index.html"?`,
			Value: starlark.NewBuiltin("render", render),
		},
		{
			Name: "response",
			Doc:  "Returns a response with what a template makes of values, as text/html.",
			Params: []host.Param{
				{
					Name: "environ", Type: "dict", Pass: host.ByPosition,
					Doc: "the environ of the request",
				},
				nameParam(),
				{
					Name: "status", Doc: "the status", Type: "int", Pass: host.ByName,
					Default: starlark.MakeInt(200),
				},
				{
					Name: "headers", Type: "list or dict", Pass: host.ByName,
					Doc:     "as for the members of @response",
					Default: starlark.NewList(nil),
				},
				{
					Name: "cookies", Type: "list or dict", Pass: host.ByName,
					Doc:     "as for the members of @response",
					Default: starlark.NewList(nil),
				},
				dataParam("status, headers and cookies are not among them"),
			},
			Result: "a response",
			Errors: failures(),
			Example: `pages = templates("templates")
pages.response({}, "index.html", title = "Gone", status = 410).status  # 410`,
			Value: starlark.NewBuiltin("response", answer),
		},
		{Name: "names", Doc: "The names of all templates, a list."},
	},
	Misuse: environ.Misuse,
}

func nameParam() host.Param {
	return host.Param{
		Name: "name", Type: "string", Pass: host.ByPosition,
		Doc: "the name of the file, counted from the directory",
	}
}

func dataParam(note string) host.Param {
	return host.Param{
		Name: "data", Type: "any", Pass: host.RestByName,
		Doc: "the values, by the names that the template has for them; " + note,
	}
}

func failures() []host.Failure {
	return []host.Failure{
		{Code: string(environ.CodeWebUse), When: "there is no such template"},
		{When: "a value is missing, or a function that the template calls fails: with the place " +
			"in the template"},
		{When: "the page is larger than 32 MiB"},
	}
}

// AttrNames is [starlark.HasAttrs]'s.
func (s *set) AttrNames() []string { return setType.AttrNames() }

// Attr is [starlark.HasAttrs]'s.
func (s *set) Attr(name string) (starlark.Value, error) {
	if name == "names" {
		var names []starlark.Value
		for _, name := range s.names() {
			names = append(names, starlark.String(name))
		}
		return starlark.NewList(names), nil
	}
	for i := range setType.Members {
		if m := &setType.Members[i]; m.Name == name {
			return m.Value.(*starlark.Builtin).BindReceiver(s), nil
		}
	}
	return nil, nil
}

// render is pages.render(name, **data).
func render(
	t *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, data []starlark.Tuple,
) (starlark.Value, error) {
	var name string
	if len(args) == 0 {
		return nil, environ.Errorf(environ.CodeWebUse, `write render("page.html", title = value)`,
			"render: got 0 arguments, want 1: name is missing")
	}
	if err := starlark.UnpackPositionalArgs("render", args, nil, 1, &name); err != nil {
		return nil, environ.Misuse(err)
	}
	var env starlark.Value
	for _, kv := range data {
		if kv[0] == starlark.String("environ") {
			env = kv[1]
		}
	}
	out, err := b.Receiver().(*set).write(t, name, env, data)
	return starlark.String(out), err
}

// answer is pages.response(environ, name, status, headers, cookies, **data).
func answer(
	t *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple,
) (starlark.Value, error) {
	var env starlark.Mapping
	var name string
	if err := unanswerable(args); err != nil {
		return nil, err
	}
	if err := starlark.UnpackPositionalArgs("response", args, nil, 2, &env, &name); err != nil {
		return nil, environ.Misuse(err)
	}
	status := http.StatusOK
	var headers, cookies starlark.Value
	data := make([]starlark.Tuple, 0, len(kwargs))
	for _, kv := range kwargs {
		switch kv[0].(starlark.String) {
		case "status":
			var err error
			if status, err = starlark.AsInt32(kv[1]); err != nil {
				return nil, environ.Misuse(fmt.Errorf("response: for parameter status: %w", err))
			}
		case "headers":
			headers = kv[1]
		case "cookies":
			cookies = kv[1]
		default:
			data = append(data, kv)
		}
	}
	out, err := b.Receiver().(*set).write(t, name, env, data)
	if err != nil {
		return nil, err
	}
	return response.HTML("response", string(out), status, headers, cookies)
}

// unanswerable says which of environ and name is missing: the environ is, if there is a name.
func unanswerable(args starlark.Tuple) error {
	if len(args) >= 2 {
		return nil
	}
	name, missing := "\"page.html\"", "environ and name are"
	if len(args) == 1 {
		missing = "name is"
		if text, ok := args[0].(starlark.String); ok {
			name, missing = text.String(), "environ is"
		}
	}
	return environ.Errorf(environ.CodeWebUse, fmt.Sprintf("write response(environ, %s)", name),
		"response: got %d arguments, want 2: %s missing", len(args), missing)
}
