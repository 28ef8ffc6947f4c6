// Package response is the host module @response: responses as values. [Module] describes it.
//
// A response is an application: calling it with environ and start_response answers with it. So a
// handler is a function that returns a response, middleware is a function from application to
// application, and all of them work with any application that follows PEP 3333. A [Response]
// never changes: what looks like a change makes another one. It may stand in a global, and be sent
// to many clients at once.
//
// Other modules answer by [New], and end a handler from any depth by [Abort].
package response

import (
	"cmp"
	"net/http"
	"slices"

	"github.com/larkspur-web/larkspur/environ"
	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// Module describes @response.
func Module() *host.Module {
	return &host.Module{
		Name:    "response",
		Doc:     "Responses as values: each is an application that answers with it.",
		Members: []host.Member{textMember()},
		Whole:   true,
		Types:   []*host.Type{responseType},
		Misuse:  misuse,
	}
}

// misuse gives an error of wrong arguments its code.
func misuse(err error) error { return environ.Errorf(environ.CodeWebUse, "", "%v", err) }

// A Response is an answer to any request: an application with what it answers. It is immutable.
type Response struct {
	host.Object
	// Status is that of the response; 0 means 200.
	Status int
	// Fields are the header fields, in order. The response owns them.
	Fields []environ.Field
	// Body is what the application returns: an iterable of blocks. Nil is an empty one.
	Body starlark.Iterable
}

var (
	_ starlark.Callable = (*Response)(nil)
	_ starlark.HasAttrs = (*Response)(nil)
)

// New returns a response of one block, with the media type and further fields. A mediaType of ""
// sends no Content-Type.
func New(status int, mediaType string, block starlark.Bytes, more ...environ.Field) *Response {
	r := &Response{Object: "response", Status: status}
	if mediaType != "" {
		r.Fields = append(r.Fields, environ.Field{Name: "Content-Type", Value: mediaType})
	}
	r.Fields = append(r.Fields, more...)
	if block != "" {
		r.Body = starlark.Tuple{block}
	}
	return r
}

// With returns a copy with further fields. A field of the same name stays: Set-Cookie and Vary may
// stand more than once.
func (r *Response) With(more ...environ.Field) *Response {
	copied := *r
	copied.Fields = slices.Concat(r.Fields, more)
	return &copied
}

// Name returns "response", as the name of a function.
func (r *Response) Name() string { return "response" }

// CallInternal answers: r(environ, start_response).
func (r *Response) CallInternal(
	t *starlark.Thread, args starlark.Tuple, kwargs []starlark.Tuple,
) (starlark.Value, error) {
	var env, start starlark.Value
	err := starlark.UnpackArgs("response", args, kwargs, "environ", &env, "start_response", &start)
	if err != nil {
		return nil, misuse(err)
	}
	call, ok := start.(starlark.Callable)
	if !ok {
		return nil, environ.Errorf(environ.CodeWebUse, "call it as app(environ, start_response)",
			"start_response is %s, not a function", start.Type())
	}
	// Start keeps the fields.
	status := cmp.Or(r.Status, http.StatusOK)
	if err := environ.Start(t, call, status, slices.Clone(r.Fields)); err != nil {
		return nil, err
	}
	if r.Body == nil {
		return starlark.Tuple{}, nil
	}
	return r.Body, nil
}

// An aborted is an error that an application ends with, and the response that is sent for it.
type aborted struct {
	response *Response
	message  string
}

var (
	_ host.Answerer = (*aborted)(nil)
	_ host.Statuser = (*aborted)(nil)
)

// Abort returns an error that ends an application from any depth: what called it, if that does not
// catch it, sends r in its place.
func Abort(r *Response, message string) error { return &aborted{r, message} }

func (a *aborted) Error() string             { return a.message }
func (a *aborted) HTTPStatus() int           { return cmp.Or(a.response.Status, http.StatusOK) }
func (a *aborted) Answer() starlark.Callable { return a.response }
