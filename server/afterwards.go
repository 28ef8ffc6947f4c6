package server

import (
	"net/http"

	"github.com/larkspur-web/larkspur/environ"
	"github.com/larkspur-web/larkspur/environ/wire"
	"github.com/larkspur-web/larkspur/server/answer"
	"go.starlark.net/starlark"
)

// maxAdded is how many links and how many trailers may be added to a response.
const maxAdded = 100

// addLink is environ["larkspur.link"]: link(value).
var addLink = definition{"link", func(r *response, _ *starlark.Thread, args starlark.Tuple,
	kwargs []starlark.Tuple) (starlark.Value, error) {
	var value string
	if err := starlark.UnpackPositionalArgs("link", args, kwargs, 1, &value); err != nil {
		return nil, environ.Errorf(environ.CodeArguments,
			`write link("</a.css>; rel=preload; as=style")`, "%v", err)
	}
	f := environ.Field{Name: "Link", Value: wire.Trim(value)}
	if err := environ.CheckField(f, "link", 0); err != nil {
		return nil, err
	}
	if r.sent {
		return starlark.False, nil
	}
	e := r.extras()
	if len(e.links) == maxAdded {
		return nil, environ.Errorf(environ.CodeArguments, "",
			"link() was called %d times for one request", maxAdded)
	}
	e.links = append(e.links, f.Value)
	return starlark.True, nil
}}

// addTrailers is environ["larkspur.trailers"]: trailers([(name, value), ...]).
var addTrailers = definition{"trailers", func(r *response, _ *starlark.Thread, args starlark.Tuple,
	kwargs []starlark.Tuple) (starlark.Value, error) {
	if len(args) != 1 || len(kwargs) != 0 {
		return nil, environ.Errorf(environ.CodeArguments, `write trailers([("X-Rows", "3")])`,
			"trailers() takes a list of headers, got %d arguments", len(args)+len(kwargs))
	}
	fields, err := answer.Headers(nil, args[0], "trailers")
	if err != nil {
		return nil, err
	}
	for i, f := range fields {
		if !wire.Trailing(f.Name) {
			return nil, environ.Errorf(environ.CodeTrailer, "say it in start_response",
				"trailers[%d]: %s comes too late after the body", i, http.CanonicalHeaderKey(f.Name))
		}
	}
	e := r.extras()
	if len(e.trailers)+len(fields) > maxAdded {
		return nil, environ.Errorf(environ.CodeArguments, "",
			"a response has more than %d trailers", maxAdded)
	}
	e.trailers = append(e.trailers, fields...)
	return starlark.None, nil
}}

// added adds to the header what environ["larkspur.link"] and the like were called with. RFC 9110,
// section 6.6.2: trailers should be announced.
func (r *response) added(h http.Header) {
	if r.extra == nil {
		return
	}
	h["Link"] = append(h["Link"], r.extra.links...)
	if len(h["Link"]) == 0 {
		delete(h, "Link")
	}
	if !r.trails() {
		return
	}
	for _, f := range r.extra.trailers {
		h.Add("Trailer", http.CanonicalHeaderKey(f.Name))
	}
}

// trails reports whether trailers are sent after the body.
func (r *response) trails() bool {
	return r.extra != nil && len(r.extra.trailers) > 0 && !r.bodiless() &&
		(r.length < 0 || r.r.ProtoMajor >= 2)
}

// trail puts the trailers where net/http and the engine take them from.
func (r *response) trail() {
	if !r.trails() {
		return
	}
	h := r.w.Header()
	for _, f := range r.extra.trailers {
		name := http.TrailerPrefix + http.CanonicalHeaderKey(f.Name)
		h[name] = append(h[name], f.Value)
	}
}
