package server

import (
	"slices"
	"strconv"
	"strings"

	"github.com/larkspur-web/larkspur/environ"
	"go.starlark.net/starlark"
	"golang.org/x/net/http/httpguts"
)

// A field is a header field of a response, checked.
type field struct{ name, value string }

// hopByHop are the fields that belong to the connection.
// PEP 3333, "Other HTTP Features"; RFC 9110, section 7.6.1.
var hopByHop = []string{"Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization", "Proxy-Connection",
	"TE", "Trailer", "Trailers", "Transfer-Encoding", "Upgrade"}

func isHopByHop(name string) bool {
	return slices.ContainsFunc(hopByHop, func(hop string) bool { return len(hop) == len(name) && strings.EqualFold(hop, name) })
}

// parseStatus checks a status line and returns its code.
// PEP 3333, "The start_response() Callable": "999 Message here", no control characters.
func parseStatus(v starlark.Value) (int, error) {
	s, ok := starlark.AsString(v)
	if !ok {
		return 0, environ.Errorf(environ.CodeStatus, `write "200 OK"`, "status is %s, not a string", v.Type())
	}
	malformed := func() (int, error) {
		return 0, environ.Errorf(environ.CodeStatus, `write three digits, a space and a reason, as in "200 OK"`, "status %s is malformed", starlark.String(s))
	}
	if len(s) < 3 || len(s) == 4 || len(s) > 3 && s[3] != ' ' || len(s) > 200 {
		return malformed()
	}
	code := 0
	for i := range 3 {
		if s[i] < '0' || s[i] > '9' {
			return malformed()
		}
		code = code*10 + int(s[i]-'0')
	}
	if len(s) > 3 && (s[4] == ' ' || s[len(s)-1] == ' ' || !httpguts.ValidHeaderFieldValue(s[4:])) {
		return malformed()
	}
	switch {
	case code >= 200 && code <= 599:
		return code, nil
	case code >= 100 && code < 200:
		// RFC 9110, section 15.2: an interim response, of which the final one must follow.
		return 0, environ.Errorf(environ.CodeInformation, `use environ["wsgi.early_hints"] for 103`, "status %s is not a final one", starlark.String(s))
	}
	return malformed()
}

// parseHeaders checks response headers and appends them to fields. where names the argument in errors.
func parseHeaders(fields []field, v starlark.Value, where string) ([]field, error) {
	list, ok := v.(*starlark.List)
	if !ok {
		return nil, environ.Errorf(environ.CodeHeaders, `write [("Content-Type", "text/plain")]`, "%s is %s, not a list", where, v.Type())
	}
	for i := range list.Len() {
		f, err := parseField(list.Index(i), where, i)
		if err != nil {
			return nil, err
		}
		fields = append(fields, f)
	}
	return fields, nil
}

func parseField(v starlark.Value, where string, i int) (f field, err error) {
	pair, ok := v.(starlark.Tuple)
	if !ok || len(pair) != 2 {
		what := v.Type()
		if ok {
			what = "a tuple of " + strconv.Itoa(len(pair))
		}
		return f, environ.Errorf(environ.CodeHeaderItem, `write ("Name", "value")`, "%s[%d] is %s, not a tuple (name, value)", where, i, what)
	}
	name, ok := starlark.AsString(pair[0])
	if !ok {
		return f, environ.Errorf(environ.CodeHeaderItem, "", "%s[%d]: the name is %s, not a string", where, i, pair[0].Type())
	}
	value, ok := starlark.AsString(pair[1])
	if !ok {
		return f, environ.Errorf(environ.CodeHeaderItem, "convert it with str()", "%s[%d]: the value of %s is %s, not a string", where, i, name, pair[1].Type())
	}
	if !httpguts.ValidHeaderFieldName(name) {
		// RFC 9110, section 5.1: a name is a token.
		return f, environ.Errorf(environ.CodeHeaderName, "", "%s[%d]: %s is not a valid header name", where, i, starlark.String(name))
	}
	if !httpguts.ValidHeaderFieldValue(value) {
		// RFC 9110, section 5.5; PEP 3333: "must not include any control characters".
		return f, environ.Errorf(environ.CodeHeaderValue, "remove it, or encode the value", "%s[%d]: the value of %s has a control character", where, i, name)
	}
	if isHopByHop(name) {
		return f, environ.Errorf(environ.CodeHopByHop, "leave it out", "%s[%d]: %s belongs to the connection, which is the server's", where, i, name)
	}
	if strings.EqualFold(name, "Status") {
		return f, environ.Errorf(environ.CodeStatusHeader, "say the status in the first argument", "%s[%d]: there must be no Status header", where, i)
	}
	return field{name, strings.Trim(value, " \t")}, nil
}

// contentLength returns the length that fields declare, or -1.
func contentLength(fields []field) (int64, error) {
	length := int64(-1)
	for _, f := range fields {
		if !strings.EqualFold(f.name, "Content-Length") {
			continue
		}
		n, err := strconv.ParseUint(f.value, 10, 63)
		if err != nil {
			// RFC 9110, section 8.6: digits only.
			return 0, environ.Errorf(environ.CodeLength, "write str(len(block)), or leave it out", "Content-Length %s is not a number of bytes", starlark.String(f.value))
		}
		if length >= 0 && length != int64(n) {
			return 0, environ.Errorf(environ.CodeLength, "", "there are two Content-Length headers, %d and %d", length, n)
		}
		length = int64(n)
	}
	return length, nil
}
