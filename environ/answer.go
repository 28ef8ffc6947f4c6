package environ

import (
	"cmp"
	"net/http"
	"strconv"

	"go.starlark.net/starlark"
)

// A Field is a header field of a response.
type Field struct{ Name, Value string }

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
