// Package answer reads what an application says: the status and the headers that it gives to
// start_response, its early hints, its blocks and its body. The server and the linter ask the same
// questions, and get the same answers: an error is an [environ.Error], with the code of the fault
// and with what to write instead.
package answer

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/larkspur-web/larkspur/environ"
	"github.com/larkspur-web/larkspur/environ/wire"
	"go.starlark.net/starlark"
)

// Status checks a status line and returns its code.
// PEP 3333, "The start_response() Callable": "999 Message here", no control characters.
func Status(v starlark.Value) (int, error) {
	s, ok := starlark.AsString(v)
	if !ok {
		return 0, environ.Errorf(environ.CodeStatus, `write "200 OK"`, "status is %s, not a string",
			v.Type())
	}
	malformed := func() (int, error) {
		return 0, environ.Errorf(environ.CodeStatus,
			`write three digits, a space and a reason, as in "200 OK"`, "status %s is malformed",
			starlark.String(s))
	}
	if len(s) < len("200 O") || s[3] != ' ' || len(s) > 200 {
		return malformed()
	}
	code := 0
	for i := range 3 {
		if s[i] < '0' || s[i] > '9' {
			return malformed()
		}
		code = code*10 + int(s[i]-'0')
	}
	if s[4] == ' ' || s[len(s)-1] == ' ' || !wire.Value(s[4:]) {
		return malformed()
	}
	if code >= 600 || code < 100 {
		return malformed()
	}
	return code, Final(code, s)
}

// Final returns what is wrong with a status that is not a final one. It is shown as the application
// wrote it.
func Final(code int, shown string) error {
	if code < 200 {
		// RFC 9110, section 15.2: an interim response, of which the final one must follow.
		return environ.Errorf(environ.CodeInformation, `use environ["wsgi.early_hints"] for 103`,
			"status %s is not a final one", starlark.String(shown))
	}
	return nil
}

// Headers checks response headers and appends them to fields. where names the argument in errors.
func Headers(fields []environ.Field, v starlark.Value, where string) ([]environ.Field, error) {
	list, ok := v.(*starlark.List)
	if !ok {
		return nil, environ.Errorf(environ.CodeHeaders, `write [("Content-Type", "text/plain")]`,
			"%s is %s, not a list", where, v.Type())
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

// parseField checks one, at index i.
func parseField(v starlark.Value, where string, i int) (f environ.Field, err error) {
	pair, ok := v.(starlark.Tuple)
	if !ok || len(pair) != 2 {
		what := v.Type()
		if ok {
			what = "a tuple of " + strconv.Itoa(len(pair))
		}
		return f, environ.Errorf(environ.CodeHeaderItem, `write ("Name", "value")`,
			"%s[%d] is %s, not a tuple (name, value)", where, i, what)
	}
	name, ok := starlark.AsString(pair[0])
	if !ok {
		return f, environ.Errorf(environ.CodeHeaderItem, "", "%s[%d]: the name is %s, not a string",
			where, i, pair[0].Type())
	}
	value, ok := starlark.AsString(pair[1])
	if !ok {
		return f, environ.Errorf(environ.CodeHeaderItem, "convert it with str()",
			"%s[%d]: the value of %s is %s, not a string", where, i, name, pair[1].Type())
	}
	f = environ.Field{Name: name, Value: wire.Trim(value)}
	return f, environ.CheckField(f, where, i)
}

// Length returns the Content-Length that fields declare, or -1.
func Length(fields []environ.Field) (int64, error) {
	length := int64(-1)
	for _, f := range fields {
		if len(f.Name) != len("Content-Length") || !strings.EqualFold(f.Name, "Content-Length") {
			continue
		}
		n, err := strconv.ParseUint(f.Value, 10, 63)
		if err != nil {
			// RFC 9110, section 8.6: digits only.
			return 0, environ.Errorf(environ.CodeLength, "write str(len(block)), or leave it out",
				"Content-Length %s is not a number of bytes", starlark.String(f.Value))
		}
		if length >= 0 && length != int64(n) {
			return 0, environ.Errorf(environ.CodeLength, "",
				"there are two Content-Length headers, %d and %d", length, n)
		}
		length = int64(n)
	}
	return length, nil
}

// Hints checks what environ["wsgi.early_hints"] is called with.
func Hints(v starlark.Value) ([]environ.Field, error) {
	fields, err := Headers(nil, v, "hints")
	if err != nil {
		return nil, err
	}
	for i, f := range fields {
		if wire.Final.Has(f.Name) {
			// RFC 8297, section 2: a 103 speaks of the final response, it is not one; and a cookie
			// set by one that a cache or a redirect discards is set all the same.
			return nil, environ.Errorf(environ.CodeHints, "send it with the response",
				"hints[%d]: %s is not a hint", i, http.CanonicalHeaderKey(f.Name))
		}
	}
	return fields, nil
}
