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

// Module describes @response, and has what the modules more have besides: functions that make
// applications, and their types. That of WebSockets is one, which not everybody wants to link.
func Module(more ...*host.Module) *host.Module {
	m := &host.Module{
		Name: "response",
		Doc:  "Responses as values: each is an application that answers with it.",
		Members: []host.Member{
			textMember(), htmlMember(), jsonMember(), xmlMember(), dataMember(), redirectMember(),
			emptyMember(), streamMember(), eventsMember(), fileMember(), problemMember(),
		},
		Whole:  true,
		Types:  []*host.Type{responseType, outletType},
		Files:  map[string]string{"public/a.txt": "hello"},
		Open:   open(),
		Misuse: environ.Misuse,
	}
	for _, other := range more {
		m.Members = append(m.Members, other.Members...)
		m.Types = append(m.Types, other.Types...)
	}
	return m
}

// A Response is an answer to any request: an application with what it answers. It is immutable.
type Response struct {
	host.Object
	// Status is that of the response; 0 means 200.
	Status int
	// Fields are the header fields, in order. The response owns them.
	Fields []environ.Field
	// Body is what the application returns: an iterable of blocks. Nil is an empty one, or one that
	// is made for each request.
	Body starlark.Iterable

	// given is what the body is made of for each request, None for a file; nil if Body is all.
	given starlark.Value
	// answer answers where Body is not all.
	answer func(*Response, request) (starlark.Value, error)
}

// A request is what a response is called with.
type request struct {
	thread *starlark.Thread
	env    starlark.Mapping
	start  starlark.Callable
}

var (
	_ host.Answer       = (*Response)(nil)
	_ starlark.HasAttrs = (*Response)(nil)
)

// New returns a response of one block, with the media type and further fields. A mediaType of ""
// sends no Content-Type.
func New(status int, mediaType string, block starlark.Bytes, more ...environ.Field) *Response {
	r := &Response{Object: "response", Status: status}
	r.Fields = make([]environ.Field, 0, 1+len(more))
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

// Answers lets a router take it as a handler.
func (r *Response) Answers() {}

// Freeze freezes the blocks: a response that stands in a global is sent for many requests at once.
func (r *Response) Freeze() {
	if r.Body != nil {
		r.Body.Freeze()
	}
	if r.given != nil {
		r.given.Freeze()
	}
}

// CallInternal answers: r(environ, start_response).
func (r *Response) CallInternal(
	t *starlark.Thread, args starlark.Tuple, kwargs []starlark.Tuple,
) (starlark.Value, error) {
	env, start, err := environ.Call("response", args, kwargs)
	if err != nil {
		return nil, err
	}
	q := request{t, env, start}
	if r.answer != nil {
		return r.answer(r, q)
	}
	if err := r.begin(q); err != nil {
		return nil, err
	}
	if r.Body == nil {
		return starlark.Tuple{}, nil
	}
	return r.Body, nil
}

// begin calls start_response.
func (r *Response) begin(q request) error {
	// Start keeps the fields.
	return environ.Start(
		q.thread, q.start, cmp.Or(r.Status, http.StatusOK), slices.Clone(r.Fields),
	)
}

// An aborted is an error that an application ends with, and the application that answers for it.
type aborted struct {
	status  int
	message string
	answer  starlark.Callable
}

var (
	_ host.Answerer = (*aborted)(nil)
	_ host.Statuser = (*aborted)(nil)
	_ host.Kinder   = (*aborted)(nil)
)

// Abort returns an error that ends an application from any depth: what called it, if that does not
// catch it, sends r in its place.
func Abort(r *Response, message string) error {
	return &aborted{cmp.Or(r.Status, http.StatusOK), message, r}
}

func (a *aborted) Error() string             { return a.message }
func (a *aborted) HTTPStatus() int           { return a.status }
func (a *aborted) Answer() starlark.Callable { return a.answer }

// Kind is what a script sees as .kind of the error that catch returns.
func (a *aborted) Kind() string { return "abort" }
