package wire

import (
	"net/http"
	"strconv"
)

// A FieldWriter is an http.ResponseWriter that takes the header of a response as a list: who has it
// as one need not make an http.Header of it, nor the server a list of that.
type FieldWriter interface {
	// WriteFields is [SetFields] and WriteHeader, for a final status. It reports whether it has done
	// that. If it has not, it has done nothing, and the two are to be called: Header may have fields
	// already, or somebody between wants to see it.
	WriteFields(status int, fields []Field, length int64) bool
}

// SetFields puts the fields of a response into its header. The Content-Length is length, none if that
// is negative, whatever the fields say. Without a Content-Type there is to be none: no server guesses.
func SetFields(h http.Header, fields []Field, length int64) {
	values := make([]string, len(fields)+1) // one array for all the values
	h["Content-Type"] = nil
	for i, f := range fields {
		name := f.Name
		if name != "Content-Type" && name != "Content-Length" { // as almost everybody writes them
			name = http.CanonicalHeaderKey(name)
		}
		if name == "Content-Length" {
			continue
		}
		values[i] = f.Value
		if h[name] == nil {
			h[name] = values[i : i+1 : i+1]
		} else {
			h[name] = append(h[name], f.Value) // stays a line of its own
		}
	}
	if length >= 0 {
		last := values[len(fields):]
		last[0] = strconv.FormatInt(length, 10)
		h["Content-Length"] = last
	}
}
