package environ

import (
	"cmp"
	"net/http"
	"strconv"
	"strings"

	"github.com/larkspur-web/larkspur/environ/wire"
	"go.starlark.net/starlark"
)

// A Field is a header field of a response.
type Field = wire.Field

// CheckField returns what is wrong with a field that an application gives, nil if nothing is: an [Error]
// with the code of the fault. It is called where[i] there.
func CheckField(f Field, where string, i int) error {
	switch {
	case !wire.Token(f.Name):
		// RFC 9110, section 5.1: a name is a token.
		return Errorf(CodeHeaderName, "", "%s[%d]: %s is not a valid header name", where, i,
			starlark.String(f.Name))
	case !wire.Value(f.Value):
		// RFC 9110, section 5.5; PEP 3333: "must not include any control characters".
		return Errorf(CodeHeaderValue, "remove it, or encode the value",
			"%s[%d]: the value of %s has a control character", where, i, f.Name)
	case wire.HopByHop.Has(f.Name):
		return Errorf(CodeHopByHop, "leave it out",
			"%s[%d]: %s belongs to the connection, which is the server's", where, i, f.Name)
	case len(f.Name) == len("Status") && strings.EqualFold(f.Name, "Status"):
		return Errorf(CodeStatusHeader, "say the status in the first argument",
			"%s[%d]: there must be no Status header", where, i)
	}
	return nil
}

// A Starter is what the server's start_response is besides a function: an application that is
// written in Go answers through it with Go values, which have not to be made into a script's and
// read back.
//
// An application that is given another start_response, by middleware say, finds no Starter and
// calls it as a script would.
type Starter interface {
	// Start sets status and fields, which it keeps, as start_response(status, fields) does, and
	// fails as that does. The reason of the status is the usual one.
	Start(status int, fields []Field) error
}

// Start calls start_response for an application that is written in Go: as a [Starter] if it is one,
// else on t, as a script would. The fields must not be used afterwards.
func Start(t *starlark.Thread, start starlark.Callable, status int, fields []Field) error {
	if s, ok := start.(Starter); ok {
		return s.Start(status, fields)
	}
	headers := make([]starlark.Value, len(fields))
	for i, f := range fields {
		headers[i] = starlark.Tuple{starlark.String(f.Name), starlark.String(f.Value)}
	}
	reason := cmp.Or(http.StatusText(status), "Unknown") // there must be one
	line := starlark.String(strconv.Itoa(status) + " " + reason)
	_, err := starlark.Call(t, start, starlark.Tuple{line, starlark.NewList(headers)}, nil)
	return err
}
