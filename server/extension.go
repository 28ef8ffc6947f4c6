package server

import (
	"net/http"

	"github.com/larkspur-web/larkspur/environ"
	"github.com/larkspur-web/larkspur/push"
	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/server/answer"
	"go.starlark.net/starlark"
)

var _ environ.Extender = (*response)(nil)

// Extension is [environ.Extender]'s: what the response does for its application besides
// start_response.
func (r *response) Extension(x environ.Extension) starlark.Value {
	page, promised := pushed(r.r)
	switch x {
	case environ.OnFinish:
		return &function{&onFinish, r}
	case environ.WebSocket:
		if !promised && r.upgradable() {
			r.mayUpgrade = true
			return &upgrade{"larkspur.websocket", r}
		}
	case environ.Pushed:
		if promised {
			return starlark.String(page)
		}
	case environ.Link:
		return &function{&addLink, r}
	case environ.Trailers:
		if r.r.ProtoAtLeast(1, 1) {
			return &function{&addTrailers, r}
		}
	case environ.Push:
		if r.plan().Accepts() {
			return &function{&pushResource, r}
		}
	case environ.EarlyHints:
		if r.plan().Hints() {
			return &function{&earlyHints, r}
		}
	}
	return nil
}

// earlyHints is environ["wsgi.early_hints"]: called with a list of header tuples, as gunicorn's, it
// promises what they preload to a client that takes promises, and sends a 103 with the rest, at
// once. After the response has begun it does nothing. It is absent where no 103 may go out.
var earlyHints = definition{"early_hints", func(r *response, _ *starlark.Thread,
	args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	if len(args) != 1 || len(kwargs) != 0 {
		return nil, environ.Errorf(environ.CodeArguments,
			`write early_hints([("Link", "</a.css>; rel=preload; as=style")])`,
			"early_hints() takes a list of headers, got %d arguments", len(args)+len(kwargs))
	}
	fields, err := answer.Hints(args[0])
	if err == nil && !r.sent && len(fields) > 0 {
		r.plan().Hint(headerOf(fields))
	}
	return starlark.None, err
}}

// pushResource is environ["http2.push"]: push(target, headers = None, method = "GET", critical =
// False).
var pushResource = definition{"push", func(r *response, _ *starlark.Thread, args starlark.Tuple,
	kwargs []starlark.Tuple) (starlark.Value, error) {
	var headers starlark.Value = starlark.None
	var res push.Resource
	if err := starlark.UnpackArgs("push", args, kwargs, "target", &res.Target, "headers?", &headers,
		"method?", &res.Method, "critical?", &res.Critical); err != nil {
		return nil, environ.Errorf(environ.CodeArguments, `write push("/a.css")`, "%v", err)
	}
	if headers != starlark.None {
		fields, err := answer.Headers(nil, headers, "headers")
		if err != nil {
			return nil, err
		}
		res.Header = headerOf(fields)
	}
	return verdict{"verdict", r.plan().Push(res)}, nil
}}

// maxFinish is how many functions one request may leave behind.
const maxFinish = 100

// onFinish is environ["larkspur.on_finish"]: on_finish(fn).
var onFinish = definition{"on_finish", func(r *response, _ *starlark.Thread, args starlark.Tuple,
	kwargs []starlark.Tuple) (starlark.Value, error) {
	var fn starlark.Callable
	if err := starlark.UnpackPositionalArgs("on_finish", args, kwargs, 1, &fn); err != nil {
		return nil, environ.Errorf(environ.CodeArguments,
			"write on_finish(fn), where fn is def fn(status, error)", "%v", err)
	}
	e := r.extras()
	if len(e.finishers) == maxFinish {
		return nil, environ.Errorf(environ.CodeArguments, "",
			"on_finish() was called %d times for one request", maxFinish)
	}
	e.finishers = append(e.finishers, fn)
	return starlark.None, nil
}}

// headerOf makes a header of fields.
func headerOf(fields []environ.Field) http.Header {
	h := make(http.Header, len(fields))
	for _, f := range fields {
		h.Add(f.Name, f.Value)
	}
	return h
}

// A verdict is what push returns.
type verdict struct {
	host.Object
	push.Verdict
}

var _ starlark.HasAttrs = verdict{}

func (v verdict) String() string        { return "<verdict " + v.Verdict.String() + ">" }
func (v verdict) Hash() (uint32, error) { return starlark.String(v.Target).Hash() }
func (v verdict) AttrNames() []string   { return []string{"detail", "reason", "status", "target"} }

func (v verdict) Attr(name string) (starlark.Value, error) {
	switch name {
	case "status":
		return starlark.String(v.Verdict.Status), nil
	case "reason":
		return starlark.String(v.Verdict.Reason), nil
	case "target":
		return starlark.String(v.Verdict.Target), nil
	case "detail":
		return starlark.String(v.Verdict.Detail), nil
	}
	return nil, nil
}
