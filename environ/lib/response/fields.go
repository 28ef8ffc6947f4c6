package response

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/larkspur-web/larkspur/environ"
	"github.com/larkspur-web/larkspur/environ/wire"
	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// repeated are the fields that stand beside others of the same name; any other takes their place.
var repeated = [...]string{"Set-Cookie", "Vary", "Link", "WWW-Authenticate", "Server-Timing"}

func repeats(name string) bool {
	for _, r := range repeated {
		if strings.EqualFold(name, r) {
			return true
		}
	}
	return false
}

// merged returns fields with more: each of more takes the place of those of its name, unless it
// stands beside them.
func merged(fields, more []environ.Field) []environ.Field {
	all := make([]environ.Field, 0, len(fields)+len(more))
	for _, f := range fields {
		if repeats(f.Name) || !has(more, f.Name) {
			all = append(all, f)
		}
	}
	return append(all, more...)
}

// without returns the fields that do not have the name.
func without(fields []environ.Field, name string) []environ.Field {
	rest := make([]environ.Field, 0, len(fields))
	for _, f := range fields {
		if !strings.EqualFold(f.Name, name) {
			rest = append(rest, f)
		}
	}
	return rest
}

func has(fields []environ.Field, name string) bool {
	for _, f := range fields {
		if strings.EqualFold(f.Name, name) {
			return true
		}
	}
	return false
}

// Headers reads what members take as headers: a list of pairs, as start_response takes it, or a
// dict.
func Headers(v starlark.Value) ([]environ.Field, error) {
	var pairs []starlark.Tuple
	switch v := v.(type) {
	case starlark.IterableMapping:
		pairs = v.Items()
	case starlark.Sequence:
		for item := range starlark.Elements(v) {
			pair, ok := item.(starlark.Tuple)
			if !ok || len(pair) != 2 {
				return nil, environ.Errorf(environ.CodeHeaderItem, `write ("Name", "value")`,
					"headers[%d] is %s, not a tuple (name, value)", len(pairs), item.Type())
			}
			pairs = append(pairs, pair)
		}
	default:
		return nil, environ.Errorf(environ.CodeHeaders, `write [("X-Name", "value")]`,
			"headers is %s, neither a list nor a dict", v.Type())
	}
	if len(pairs) == 0 {
		return nil, nil
	}
	fields := make([]environ.Field, len(pairs))
	for i, pair := range pairs {
		name, ok := starlark.AsString(pair[0])
		if !ok {
			return nil, environ.Errorf(environ.CodeHeaderItem, "",
				"headers[%d]: the name is %s, not a string", i, pair[0].Type())
		}
		value, ok := starlark.AsString(pair[1])
		if !ok {
			return nil, environ.Errorf(environ.CodeHeaderItem, "convert it with str()",
				"headers[%d]: the value of %s is %s, not a string", i, name, pair[1].Type())
		}
		fields[i] = environ.Field{Name: name, Value: wire.Trim(value)}
		if err := environ.CheckField(fields[i], "headers", i); err != nil {
			return nil, err
		}
		if strings.EqualFold(name, "Content-Length") && !wire.Digits(fields[i].Value) {
			return nil, environ.Errorf(environ.CodeLength, "leave it out: the server says it",
				"Content-Length %s is not a number of bytes", starlark.String(value))
		}
	}
	return fields, nil
}

// cookiesOf reads cookies: a list of what set_cookie of @http returns, or a dict of names and
// values, for cookies as set_cookie makes them where nothing else is said.
func cookiesOf(v starlark.Value) ([]environ.Field, error) {
	const fix = `write [set_cookie("name", "value")] or {"name": "value"}`
	var fields []environ.Field
	switch v := v.(type) {
	case starlark.IterableMapping:
		for _, pair := range v.Items() {
			name, ok := starlark.AsString(pair[0])
			value, ok2 := starlark.AsString(pair[1])
			if !ok || !ok2 {
				return nil, environ.Errorf(environ.CodeWebUse, fix,
					"cookies has %s: %s, not a name and a value", pair[0].Type(), pair[1].Type())
			}
			f, err := SetCookie(&http.Cookie{
				Name: name, Value: value, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode,
			})
			if err != nil {
				return nil, err
			}
			fields = append(fields, f)
		}
	case starlark.Sequence:
		for item := range starlark.Elements(v) {
			pair, ok := item.(starlark.Tuple)
			if !ok || len(pair) != 2 || pair[0] != starlark.String("Set-Cookie") {
				return nil, environ.Errorf(environ.CodeWebUse, fix,
					"cookies[%d] is %s, not what set_cookie of @http returns", len(fields),
					host.Show(item))
			}
			f, err := Headers(starlark.Tuple{pair})
			if err != nil {
				return nil, err
			}
			fields = append(fields, f...)
		}
	default:
		return nil, environ.Errorf(environ.CodeWebUse, fix,
			"cookies is %s, neither a list nor a dict", v.Type())
	}
	return fields, nil
}

// SetCookie returns the field that has a browser keep a cookie, whose value may have any octets but
// control characters, or what is wrong with it.
func SetCookie(c *http.Cookie) (f environ.Field, err error) {
	bare := *c
	bare.Value = ""
	for i := range len(c.Value) {
		if c.Value[i] < ' ' || c.Value[i] == 0x7f {
			return f, environ.Errorf(
				environ.CodeWebUse, "encode it", "set_cookie: the value has a control character",
			)
		}
	}
	if err := bare.Valid(); err != nil {
		return f, environ.Errorf(environ.CodeWebUse, "", "set_cookie: %v", err)
	}
	attributes := strings.TrimPrefix(bare.String(), c.Name+"=")
	return environ.Field{
		Name: "Set-Cookie", Value: c.Name + "=" + wire.QuoteCookie(c.Value) + attributes,
	}, nil
}

// A common is what most members take besides their content.
type common struct {
	status           int
	headers, cookies starlark.Value
}

// params are the parameters of a common, the status only where it is not fixed.
func params(status int, own ...host.Param) []host.Param {
	if status != 0 {
		own = append(own, host.Param{
			Name: "status", Doc: "the status, from 200 to 599", Type: "int",
			Default: starlark.MakeInt(status),
		})
	}
	return append(own,
		host.Param{
			Name: "headers", Type: "list or dict", Default: starlark.NewList(nil),
			Doc: "further header fields, pairs of strings as for start_response, or a dict; " +
				"Content-Type takes the place of that of the response",
		},
		host.Param{
			Name: "cookies", Type: "list or dict", Default: starlark.NewList(nil),
			Doc: "what set_cookie of @http returned, a list; or a dict of names and values, for " +
				"cookies with its defaults",
		},
	)
}

// failures are those of a common, and more.
func failures(more ...host.Failure) []host.Failure {
	return append(more,
		host.Failure{
			Code: string(environ.CodeWebUse),
			When: "the status is none of a response, or what it is said of has no body; a cookie " +
				"is none that a browser takes",
		},
		host.Failure{
			Code: string(environ.CodeHeaderValue),
			When: "a header has a line break or another control character",
		},
	)
}

// respond makes the response of the member name, whose body is one block.
func (c *common) respond(name, mediaType string, block starlark.Bytes) (starlark.Value, error) {
	if err := checkStatus(name, c.status, block != ""); err != nil {
		return nil, err
	}
	if bodiless(c.status) {
		mediaType = ""
	}
	r := New(c.status, mediaType, block)
	return r, c.extend(r)
}

// extend adds the headers and cookies to a response that is being made.
func (c *common) extend(r *Response) error {
	if starlark.Len(c.headers) == 0 && starlark.Len(c.cookies) == 0 {
		return nil // as most
	}
	headers, err := Headers(c.headers)
	if err != nil {
		return err
	}
	cookies, err := cookiesOf(c.cookies)
	if err != nil {
		return err
	}
	if len(headers) > 0 {
		r.Fields = merged(r.Fields, headers)
	}
	r.Fields = append(r.Fields, cookies...)
	return nil
}

// bodiless reports whether responses with the status have no body.
func bodiless(status int) bool {
	// RFC 9110, sections 15.3.5, 15.3.6 and 15.4.5.
	return status == http.StatusNoContent || status == http.StatusResetContent ||
		status == http.StatusNotModified
}

// checkStatus returns what is wrong with the status of a response that has a body or none.
func checkStatus(name string, status int, body bool) error {
	switch {
	case status < 200 || status > 599:
		return environ.Errorf(
			environ.CodeWebUse, "", "%s: status %d is not between 200 and 599", name, status,
		)
	case body && bodiless(status):
		return environ.Errorf(environ.CodeWebUse, "write empty("+strconv.Itoa(status)+")",
			"%s: a response with status %d has no body", name, status)
	}
	return nil
}
