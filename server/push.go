package server

import (
	"net/http"

	"github.com/larkspur-web/larkspur/environ"
	"github.com/larkspur-web/larkspur/push"
	"go.starlark.net/starlark"
)

// pusher is the response as environ["http2.push"].
type pusher response

// A verdict is what pusher returns.
type verdict struct{ push.Verdict }

var (
	_ starlark.Callable = (*pusher)(nil)
	_ starlark.HasAttrs = verdict{}
)

// pushing returns what plans the pushes of the application's pages.
func (h *Handler) pushing() push.Handler {
	p := push.Handler{Next: http.HandlerFunc(h.answer), Policy: h.Push, Mount: h.Mount, HonorsContext: func(*http.Request) bool { return true }}
	if live, ok := h.App.(interface{ Generation() uint64 }); ok {
		p.Generation = func(*http.Request) uint64 { return live.Generation() }
	}
	return p
}

// promised calls the application for a request that may be promised, inside the request for its page, and in its slot.
func (h *Handler) promised(w http.ResponseWriter, r *http.Request) {
	if f := h.refuse(r); f != nil {
		h.page(w, r, f)
		return
	}
	res := &response{h: h, w: w, r: r, length: -1, env: h.config().New(r)}
	if !res.serve() {
		panic(http.ErrAbortHandler)
	}
}

func (p *pusher) Name() string          { return "push" }
func (p *pusher) String() string        { return "<built-in function push>" }
func (p *pusher) Type() string          { return "builtin_function_or_method" }
func (p *pusher) Freeze()               {}
func (p *pusher) Truth() starlark.Bool  { return starlark.True }
func (p *pusher) Hash() (uint32, error) { return hash() }

// CallInternal is push(target, headers = None, method = "GET", critical = False).
func (p *pusher) CallInternal(_ *starlark.Thread, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	r := (*response)(p)
	if r.over {
		return nil, environ.Errorf(environ.CodeEnded, "call it during the request", "push() called after the response ended")
	}
	var headers starlark.Value = starlark.None
	var res push.Resource
	if err := starlark.UnpackArgs("push", args, kwargs, "target", &res.Target, "headers?", &headers, "method?", &res.Method, "critical?", &res.Critical); err != nil {
		return nil, environ.Errorf(environ.CodeArguments, `write push("/a.css")`, "%v", err)
	}
	if headers != starlark.None {
		fields, err := parseHeaders(nil, headers, "headers")
		if err != nil {
			return nil, err
		}
		res.Header = headerOf(fields)
	}
	return verdict{r.plan.Push(res)}, nil
}

// headerOf makes a header of fields.
func headerOf(fields []field) http.Header {
	h := make(http.Header, len(fields))
	for _, f := range fields {
		h.Add(f.name, f.value)
	}
	return h
}

func (v verdict) String() string        { return "<verdict " + v.Verdict.String() + ">" }
func (v verdict) Type() string          { return "verdict" }
func (v verdict) Freeze()               {}
func (v verdict) Truth() starlark.Bool  { return starlark.True }
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
