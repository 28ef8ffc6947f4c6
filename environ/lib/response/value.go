package response

import (
	"net/http"

	"cmp"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// responseType describes a response to scripts.
var responseType = &host.Type{
	Name: "response",
	Doc:  "An answer that is an application: call it with environ and start_response.",
	Members: []host.Member{
		{Name: "status", Doc: "The status, an int."},
		{Name: "headers", Doc: "The header fields, a tuple of pairs (name, value)."},
		{Name: "body", Doc: "The blocks of the body, as the application returns them."},
	},
	Misuse: misuse,
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
		if r.Body == nil {
			return starlark.Tuple{}, nil
		}
		return r.Body, nil
	}
	return responseType.Method(r, name), nil
}
