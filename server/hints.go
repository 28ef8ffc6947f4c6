package server

import (
	"net/http"

	"github.com/larkspur-web/larkspur/environ"
	"go.starlark.net/starlark"
)

// earlyHints is the response as environ["wsgi.early_hints"]: called with a list of header tuples, as
// gunicorn's, it promises what they preload to a client that takes promises, and sends a 103 with the rest, at once. After the
// response has begun it does nothing, nor on HTTP/1.1, unless the policy says so.
type earlyHints response

// onFinish is the response as environ["larkspur.on_finish"].
type onFinish response

var _, _ starlark.Callable = (*earlyHints)(nil), (*onFinish)(nil)

func (e *earlyHints) Name() string          { return "early_hints" }
func (e *earlyHints) String() string        { return "<built-in function early_hints>" }
func (e *earlyHints) Type() string          { return "builtin_function_or_method" }
func (e *earlyHints) Freeze()               {}
func (e *earlyHints) Truth() starlark.Bool  { return starlark.True }
func (e *earlyHints) Hash() (uint32, error) { return hash() }

func (e *earlyHints) CallInternal(_ *starlark.Thread, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	r := (*response)(e)
	if r.over {
		return nil, environ.Errorf(environ.CodeEnded, "call it during the request", "early_hints() called after the response ended")
	}
	if len(args) != 1 || len(kwargs) != 0 {
		return nil, environ.Errorf(environ.CodeArguments, `write early_hints([("Link", "</a.css>; rel=preload; as=style")])`, "early_hints() takes a list of headers, got %d arguments", len(args)+len(kwargs))
	}
	fields, err := parseHeaders(nil, args[0], "hints")
	if err != nil {
		return nil, err
	}
	for i, f := range fields {
		switch name := http.CanonicalHeaderKey(f.name); name {
		case "Set-Cookie", "Content-Length", "Content-Type", "Content-Encoding", "Date", "Etag", "Location":
			// RFC 8297, section 2: a 103 speaks of the final response, it is not one; and a cookie set
			// by one that a cache or a redirect discards is set all the same.
			return nil, environ.Errorf(environ.CodeHints, "send it with the response", "hints[%d]: %s is not a hint", i, name)
		}
	}
	if r.sent || len(fields) == 0 {
		return starlark.None, nil
	}
	r.plan.Hint(headerOf(fields))
	return starlark.None, nil
}

func (o *onFinish) Name() string          { return "on_finish" }
func (o *onFinish) String() string        { return "<built-in function on_finish>" }
func (o *onFinish) Type() string          { return "builtin_function_or_method" }
func (o *onFinish) Freeze()               {}
func (o *onFinish) Truth() starlark.Bool  { return starlark.True }
func (o *onFinish) Hash() (uint32, error) { return hash() }

// maxFinish is how many functions one request may leave behind.
const maxFinish = 100

func (o *onFinish) CallInternal(_ *starlark.Thread, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	r := (*response)(o)
	if r.over {
		return nil, environ.Errorf(environ.CodeEnded, "call it during the request", "on_finish() called after the response ended")
	}
	var fn starlark.Callable
	if err := starlark.UnpackPositionalArgs("on_finish", args, kwargs, 1, &fn); err != nil {
		return nil, environ.Errorf(environ.CodeArguments, "write on_finish(fn), where fn is def fn(status, error)", "%v", err)
	}
	if len(r.finish) == maxFinish {
		return nil, environ.Errorf(environ.CodeArguments, "", "on_finish() was called %d times for one request", maxFinish)
	}
	r.finish = append(r.finish, fn)
	return starlark.None, nil
}
