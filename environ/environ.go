// Package environ is the gateway contract: it turns an HTTP request into the environ dict that an
// application is called with. SPEC.md, beside this file, is the contract in full.
package environ

import (
	"net/http"

	"go.starlark.net/starlark"
)

// New returns the environ of r.
func New(r *http.Request) *starlark.Dict {
	d := starlark.NewDict(40)
	d.SetKey(starlark.String("REQUEST_METHOD"), starlark.String(r.Method))
	d.SetKey(starlark.String("PATH_INFO"), starlark.String(r.URL.Path))
	return d
}
