package response

import (
	"github.com/larkspur-web/larkspur/environ"
	"github.com/larkspur-web/larkspur/environ/wire"
	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/runtime/host/json"
	"go.starlark.net/starlark"
)

// textual describes a member that makes a response of a text.
func textual(name, doc, body, mediaType, example string) host.Member {
	return host.Member{
		Name: name,
		Doc:  doc,
		Params: params(200, host.Param{
			Name: "body", Doc: "the text", Type: body,
		}),
		Result:  "a response",
		Errors:  failures(),
		Example: example,
		Pure:    true,
		Fn: func(a host.Args) (starlark.Value, error) {
			var body starlark.Value
			var c common
			if err := a.Unpack(&body, &c.status, &c.headers, &c.cookies); err != nil {
				return nil, err
			}
			block, err := blockOf(name, body)
			if err != nil {
				return nil, err
			}
			return c.respond(name, mediaType, block)
		},
	}
}

// blockOf returns what the body of the response of the member name has: a string, bytes, or a piece
// of HTML that says so itself.
func blockOf(name string, body starlark.Value) (starlark.Bytes, error) {
	if s, ok := host.Octets(body); ok {
		return starlark.Bytes(s), nil
	}
	if h, ok := body.(interface{ HTML() string }); ok && name == "html" {
		return starlark.Bytes(h.HTML()), nil
	}
	return "", environ.Errorf(environ.CodeWebUse, "convert it with str()",
		"%s: body is %s, not a string", name, body.Type())
}

func textMember() host.Member {
	return textual("text", "A response of plain text, sent as UTF-8.", "string or bytes", "text/plain; charset=utf-8",
		`text("hi").status  # 200
text("hi", headers = {"X-A": "1"}).header("x-a")  # "1"
text("hi", cookies = {"theme": "dark"}).header("set-cookie")  # `+
			`"theme=dark; Path=/; HttpOnly; SameSite=Lax"
text("hi", 204)  # error: LARK0403: text: a response with status 204 has no body`)
}

func htmlMember() host.Member {
	return textual("html", "A response of HTML, sent as UTF-8. A text is sent as it is: what "+
		"comes from outside has to be escaped in it, as the elements of @html and the templates of @template do.",
		"string, bytes, or what @html makes", "text/html; charset=utf-8", `html("<h1>hi</h1>").header("Content-Type")  # `+
			`"text/html; charset=utf-8"`)
}

func xmlMember() host.Member {
	return textual("xml", "A response of XML, sent as UTF-8.", "string or bytes", "application/xml; charset=utf-8",
		`xml("<a/>").header("Content-Type")  # "application/xml; charset=utf-8"`)
}

func dataMember() host.Member {
	return host.Member{
		Name: "data",
		Doc:  "A response of bytes, of whatever type.",
		Params: params(200,
			host.Param{Name: "body", Doc: "the bytes", Type: "bytes or string"},
			host.Param{Name: "content_type", Doc: "the media type, as image/png", Type: "string"},
		),
		Result:  "a response",
		Errors:  failures(),
		Example: `data(b"\x89PNG", "image/png").header("Content-Type")  # "image/png"`,
		Pure:    true,
		Fn: func(a host.Args) (starlark.Value, error) {
			var body starlark.Value
			var mediaType string
			var c common
			err := a.Unpack(&body, &mediaType, &c.status, &c.headers, &c.cookies)
			if err != nil {
				return nil, err
			}
			if err := checkType("data", mediaType); err != nil {
				return nil, err
			}
			block, err := blockOf("data", body)
			if err != nil {
				return nil, err
			}
			return c.respond("data", mediaType, block)
		},
	}
}

// checkType returns what is wrong with a media type. RFC 9110, section 8.3.1.
func checkType(name, mediaType string) error {
	if !wire.MediaType(mediaType) {
		return environ.Errorf(environ.CodeWebUse, `write "image/png", say`,
			"%s: content_type %s is no media type", name, starlark.String(mediaType))
	}
	return nil
}

func jsonMember() host.Member {
	return host.Member{
		Name: "json",
		Doc: "A response of a value as JSON. The keys of a dict are in order; of a struct the " +
			"fields are sent, of any other iterable the elements.",
		Params: params(200,
			host.Param{
				Name: "value", Type: "any",
				Doc: "what is sent, without bytes, functions or cycles in it",
			},
			host.Param{
				Name: "indent", Type: "int, string or None", Default: starlark.None,
				Doc: "how many spaces, or what, a line begins with once for each level, as in " +
					"Python; None for all in one line",
			},
		),
		Result: "a response",
		Errors: failures(
			host.Failure{When: "something in value has no JSON; the message has the path to it"},
			host.Failure{When: "the text would be longer than 16 MiB, or nested deeper than 1,000"},
		),
		Example: `json({"b": [1, None], "a": "é"}).text  # "{\"a\":\"é\",\"b\":[1,null]}"
json({"a": 1}, indent = 2).text  # "{\n  \"a\": 1\n}"
json({"error": "full"}, status = 503).status  # 503
json(len)  # error: json: cannot encode builtin_function_or_method as JSON`,
		Fn: encodeJSON,
	}
}

func encodeJSON(a host.Args) (starlark.Value, error) {
	var value, indent starlark.Value
	var c common
	if err := a.Unpack(&value, &indent, &c.status, &c.headers, &c.cookies); err != nil {
		return nil, err
	}
	text, err := json.Encode(value)
	if err != nil {
		return nil, err
	}
	if indent != starlark.None {
		tab, err := tabOf(indent)
		if err != nil {
			return nil, err
		}
		if text, err = (json.Limits{}).Indent(text, "", tab); err != nil {
			return nil, err
		}
	}
	return c.respond("json", "application/json", starlark.Bytes(text))
}

// tabOf reads the indent of Python's json.dumps.
func tabOf(v starlark.Value) (string, error) {
	const most = 16
	if s, ok := starlark.AsString(v); ok && len(s) <= most {
		return s, nil
	}
	if n, err := starlark.AsInt32(v); err == nil && n >= 0 && n <= most {
		return "                "[:n], nil
	}
	return "", environ.Errorf(environ.CodeWebUse, "write indent = 2",
		"json: indent is %s, neither a number of spaces up to %d nor a string that short",
		host.Show(v), most)
}

func emptyMember() host.Member {
	return host.Member{
		Name: "empty",
		Doc: "A response without a body and without a Content-Type. One whose status may have a body " +
			"says Content-Length: 0.",
		Params: params(204),
		Result: "a response",
		Errors: failures(),
		Example: `empty().status  # 204
empty(201, headers = {"Location": "/notes/7"}).headers  # (("Content-Length", "0"), ("Location", "/notes/7"))`,
		Pure: true,
		Fn: func(a host.Args) (starlark.Value, error) {
			var c common
			if err := a.Unpack(&c.status, &c.headers, &c.cookies); err != nil {
				return nil, err
			}
			v, err := c.respond("empty", "", "")
			if r, ok := v.(*Response); ok && err == nil && !bodiless(c.status) {
				// RFC 9110, section 8.6: so that a client which waits for content knows that there is none.
				r.Fields = merged([]environ.Field{{Name: "Content-Length", Value: "0"}}, r.Fields)
			}
			return v, err
		},
	}
}
