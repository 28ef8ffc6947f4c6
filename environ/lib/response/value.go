package response

import (
	"cmp"
	"net/http"
	"strings"

	"github.com/larkspur-web/larkspur/environ"
	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// responseType describes a response to scripts.
var responseType = &host.Type{
	Name: "response",
	Doc: "An answer that is an application: call it with environ and start_response. It never " +
		"changes, so it may stand in a global; what changes one returns another.",
	Members: []host.Member{
		{Name: "status", Doc: "The status, an int."},
		{Name: "headers", Doc: "The header fields, a tuple of pairs (name, value)."},
		{
			Name: "body",
			Doc: "The blocks of the body, as the application returns them; of a stream and of " +
				"events what they are made from, of a file None.",
		},
		{
			Name: "text",
			Doc:  "The body in one string, None if it is not made before it is sent.",
		},
		{
			Name: "header",
			Doc:  "Returns the value of a header field, of several with that name the first.",
			Params: []host.Param{
				{Name: "name", Doc: "in any case", Type: "string"},
				{
					Name: "default", Doc: "what is returned if there is none", Type: "any",
					Default: starlark.None,
				},
			},
			Result:  "a string, or default",
			Example: `text("hi").header("content-type")  # "text/plain; charset=utf-8"`,
			Fn:      header,
		},
		{
			Name: "with_headers",
			Doc: "Returns a copy with further header fields. Each takes the place of those of " +
				"its name, but Set-Cookie, Vary, Link, WWW-Authenticate and Server-Timing, which " +
				"are added.",
			Params: []host.Param{{
				Name: "headers", Type: "list or dict", Doc: "as for text",
			}},
			Result: "a response",
			Errors: []host.Failure{{
				Code: string(environ.CodeHeaderValue),
				When: "a header has a line break or another control character",
			}},
			Example: `text("hi").with_headers({"X-Count": "2"}).header("X-Count")  # "2"`,
			Fn:      withHeaders,
		},
		{
			Name: "with_cookies",
			Doc:  "Returns a copy that sets further cookies.",
			Params: []host.Param{{
				Name: "cookies", Type: "list or dict", Doc: "as for text",
			}},
			Result: "a response",
			Errors: []host.Failure{{
				Code: string(environ.CodeWebUse), When: "one is no cookie that a browser takes",
			}},
			Example: `text("hi").with_cookies({"a": "1"}).header("Set-Cookie")  # ` +
				`"a=1; Path=/; HttpOnly; SameSite=Lax"`,
			Fn: withCookies,
		},
		{
			Name: "replace",
			Doc:  "Returns a copy in which what is passed is another. None leaves what it was.",
			Params: []host.Param{
				{Name: "status", Doc: "the status", Type: "int or None", Default: starlark.None},
				{
					Name: "headers", Doc: "all header fields, as for text",
					Type: "list, dict or None", Default: starlark.None,
				},
				{
					Name: "body", Doc: "a block, or an iterable of blocks",
					Type: "string, bytes, iterable or None", Default: starlark.None,
				},
				{
					Name: "cookies", Doc: "all cookies that it sets, as for text",
					Type: "list, dict or None", Default: starlark.None,
				},
			},
			Result: "a response",
			Errors: failures(),
			Example: `text("hi").replace(status = 201, body = "made").text  # "made"
text("hi").replace(headers = []).headers  # ()`,
			Fn: replace,
		},
	},
	Misuse: environ.Misuse,
}

// AttrNames is [starlark.HasAttrs]'s.
func (r *Response) AttrNames() []string { return responseType.AttrNames() }

// Attr is [starlark.HasAttrs]'s.
func (r *Response) Attr(name string) (starlark.Value, error) {
	switch name {
	case "status":
		return starlark.MakeInt(cmp.Or(r.Status, http.StatusOK)), nil
	case "headers":
		pairs := make(starlark.Tuple, len(r.Fields))
		for i, f := range r.Fields {
			pairs[i] = starlark.Tuple{starlark.String(f.Name), starlark.String(f.Value)}
		}
		return pairs, nil
	case "body":
		switch {
		case r.given != nil:
			return r.given, nil
		case r.Body == nil:
			return starlark.Tuple{}, nil
		}
		return r.Body, nil
	case "text":
		return r.text()
	}
	return responseType.Method(r, name), nil
}

// text is the body in one string, if it is there.
func (r *Response) text() (starlark.Value, error) {
	if r.given != nil {
		return starlark.None, nil
	}
	if r.Body == nil {
		return starlark.String(""), nil
	}
	blocks, ok := r.Body.(starlark.Indexable)
	if !ok {
		return starlark.None, nil
	}
	var b strings.Builder
	for i := range blocks.Len() {
		s, ok := host.Octets(blocks.Index(i))
		if !ok {
			return starlark.None, nil
		}
		b.WriteString(s)
	}
	return starlark.String(b.String()), nil
}

func header(a host.Args) (starlark.Value, error) {
	var name string
	var other starlark.Value
	if err := a.Unpack(&name, &other); err != nil {
		return nil, err
	}
	for _, f := range a.Of.(*Response).Fields {
		if strings.EqualFold(f.Name, name) {
			return starlark.String(f.Value), nil
		}
	}
	return other, nil
}

func withHeaders(a host.Args) (starlark.Value, error) {
	var headers starlark.Value
	if err := a.Unpack(&headers); err != nil {
		return nil, err
	}
	fields, err := Headers(headers)
	if err != nil {
		return nil, err
	}
	copied := *a.Of.(*Response)
	copied.Fields = merged(copied.Fields, fields)
	return &copied, nil
}

func withCookies(a host.Args) (starlark.Value, error) {
	var cookies starlark.Value
	if err := a.Unpack(&cookies); err != nil {
		return nil, err
	}
	fields, err := cookiesOf(cookies)
	if err != nil {
		return nil, err
	}
	return a.Of.(*Response).With(fields...), nil
}

func replace(a host.Args) (starlark.Value, error) {
	var status, headers, body, cookies starlark.Value
	if err := a.Unpack(&status, &headers, &body, &cookies); err != nil {
		return nil, err
	}
	r := *a.Of.(*Response)
	for _, change := range []struct {
		to starlark.Value
		by func(*Response, starlark.Value) error
	}{
		{headers, (*Response).setHeaders},
		{cookies, (*Response).setCookies},
		{body, (*Response).setBody},
		{status, (*Response).setStatus}, // last: there are some without a body
	} {
		if change.to == starlark.None {
			continue
		}
		if err := change.by(&r, change.to); err != nil {
			return nil, err
		}
	}
	return &r, nil
}

func (r *Response) setHeaders(v starlark.Value) (err error) {
	r.Fields, err = Headers(v)
	return err
}

func (r *Response) setCookies(v starlark.Value) error {
	cookies, err := cookiesOf(v)
	if err != nil {
		return err
	}
	r.Fields = append(without(r.Fields, "Set-Cookie"), cookies...)
	return nil
}

func (r *Response) setBody(v starlark.Value) error {
	if r.Body == nil && r.given == nil {
		r.Fields = without(r.Fields, "Content-Length") // that of empty
	}
	r.given, r.answer, r.Body = nil, nil, nil
	if s, ok := host.Octets(v); ok {
		if s != "" {
			r.Body = starlark.Tuple{starlark.Bytes(s)}
		}
		return nil
	}
	blocks, ok := v.(starlark.Iterable)
	if !ok {
		return environ.Errorf(environ.CodeWebUse, "convert it with str()",
			"replace: body is %s, neither a block nor an iterable", v.Type())
	}
	r.Body = blocks
	return nil
}

func (r *Response) setStatus(v starlark.Value) error {
	n, err := starlark.AsInt32(v)
	if err != nil {
		return environ.Errorf(
			environ.CodeWebUse, "", "replace: status is %s, not an int", v.Type(),
		)
	}
	if err := checkStatus("replace", n, r.Body != nil || r.given != nil); err != nil {
		return err
	}
	if r.Status = n; bodiless(n) {
		r.Fields = without(r.Fields, "Content-Type")
		r.Fields = without(r.Fields, "Content-Length") // RFC 9110, section 8.6: 204 must not have it
	}
	return nil
}
