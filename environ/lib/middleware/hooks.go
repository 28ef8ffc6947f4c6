package middleware

import (
	"errors"
	"fmt"

	"github.com/larkspur-web/larkspur/environ"
	"github.com/larkspur-web/larkspur/environ/lib/response"
	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

func beforeMember() host.Member {
	return host.Member{
		Name: "before",
		Doc:  "Calls a function before the application, which may answer in its place.",
		Params: []host.Param{{
			Name: "fn", Type: "callable",
			Doc: "is called with environ, which it may change, and returns None, or a response or " +
				"any other application that answers instead",
		}},
		Result: "a function from application to application",
		Errors: []host.Failure{{When: "in a request, fn returned something else"}},
		Example: `def app(environ, start_response):
    start_response("200 OK", [])
    return ["hello ", environ["user"]]

def name(environ):
    environ["user"] = "Ada"

before(name)(app)({}, lambda status, headers: None)  # ["hello ", "Ada"]`,
		Fn: func(a host.Args) (starlark.Value, error) {
			var fn starlark.Callable
			if err := a.Unpack(&fn); err != nil {
				return nil, err
			}
			if err := takes("before", fn, 1, "(environ)"); err != nil {
				return nil, err
			}
			return made("before", nil, func(q *request) (starlark.Value, error) {
				v, err := starlark.Call(q.thread, fn, starlark.Tuple{q.env}, nil)
				if err != nil {
					return nil, err
				}
				switch v := v.(type) {
				case starlark.NoneType:
					return q.next(q.start)
				case starlark.Callable:
					return q.answer(v)
				}
				return nil, misreturned("before", fn, v, `return None to go on, or text("...") to `+
					"answer instead")
			}, fn)
		},
	}
}

func afterMember() host.Member {
	return host.Member{
		Name: "after",
		Doc: "Calls a function with each response, before it is sent, which gives the one to send. A " +
			"body that is made as it is sent is not made for it: it goes on when the response does.",
		Params: []host.Param{{
			Name: "fn", Type: "callable",
			Doc: "is called with environ and a response, which has .status, .headers and .body, and " +
				"returns it, a copy with changes, or any other application",
		}},
		Result: "a function from application to application",
		Errors: []host.Failure{{When: "in a request, fn returned something else"}},
		Example: `def app(environ, start_response):
    start_response("200 OK", [])
    return ["hello"]

def mark(environ, response):
    return response.with_headers({"X-Mark": "1"})

said = []
after(mark)(app)({}, lambda status, headers: said.extend(headers))  # ["hello"]
said  # [("X-Mark", "1")]`,
		Fn: newAfter,
	}
}

func newAfter(a host.Args) (starlark.Value, error) {
	var fn starlark.Callable
	if err := a.Unpack(&fn); err != nil {
		return nil, err
	}
	if err := takes("after", fn, 2, "(environ, response)"); err != nil {
		return nil, err
	}
	return made("after", nil, func(q *request) (starlark.Value, error) {
		held := environ.Hold(q.thread, q.start)
		body, err := q.next(held)
		h := held.Release()
		if err != nil || h == nil {
			return body, err
		}
		r := response.New(h.Status, "", "", h.Fields...)
		// What fn returns is compared with it, so that it has an identity.
		var blocks starlark.Iterable
		switch body := body.(type) {
		case starlark.Tuple:
			blocks = starlark.NewList(body)
		case starlark.Iterable:
			blocks = body
		default:
			blocks = &passing{"body", body} // a function that sends
		}
		r.Body = blocks
		v, err := starlark.Call(q.thread, fn, starlark.Tuple{q.env, r}, nil)
		if err != nil {
			return nil, errors.Join(err, closeBody(q.thread, body))
		}
		if changed, ok := v.(*response.Response); ok && changed.Body == blocks {
			return body, held.Send(&environ.Head{Status: changed.Status, Fields: changed.Fields})
		}
		app, ok := v.(starlark.Callable)
		if !ok {
			err := misreturned("after", fn, v, "end it with return response")
			return nil, errors.Join(err, closeBody(q.thread, body))
		}
		if err := closeBody(q.thread, body); err != nil {
			return nil, err
		}
		if changed, ok := v.(*response.Response); ok {
			h := environ.Head{Fields: append([]environ.Field(nil), changed.Fields...)}
			h.Drop("Content-Length") // it was that of another body; the server counts this one
			again := *changed
			again.Fields = h.Fields
			app = &again
		}
		return q.answer(app)
	}, fn)
}

// A passing stands for a body that is no iterable in a response that a function looks at.
type passing struct {
	host.Object
	body starlark.Value
}

// Iterate gives nothing.
func (p *passing) Iterate() starlark.Iterator { return starlark.Tuple{}.Iterate() }

// takes reports whether fn can be called with n arguments.
func takes(what string, fn starlark.Callable, n int, params string) error {
	f, ok := fn.(*starlark.Function)
	if !ok {
		return nil
	}
	most := f.NumParams() - f.NumKwonlyParams()
	if f.HasVarargs() {
		return nil
	}
	if f.HasKwargs() {
		most--
	}
	if most >= n && (most == n || f.ParamDefault(n) != nil) {
		return nil
	}
	return environ.Misuse(fmt.Errorf("%s: %s is called with %s, which it does not take; write def %s%s", what,
		f.Name(), params, f.Name(), params))
}

// A returned is the fault of what a function returned, which no line of the script led to.
type returned struct {
	fault *environ.Error
	fn    starlark.Callable
	v     starlark.Value
}

var (
	_ host.Returner = (*returned)(nil)
	_ host.Placer   = (*returned)(nil)
)

// misreturned is the error of a function that was called by what, and returned v.
func misreturned(what string, fn starlark.Callable, v starlark.Value, fix string) error {
	kind := v.Type()
	if v == starlark.None {
		kind = "None"
	}
	fault := environ.Errorf("", fix, "%s: %s returned %s, not a response", what, fn.Name(), kind)
	return &returned{fault, fn, v}
}

// Returned is [host.Returner]'s.
func (r *returned) Returned() (starlark.Callable, starlark.Value) { return r.fn, r.v }

func (r *returned) Error() string { return r.fault.Error() }

// Unwrap returns the fault.
func (r *returned) Unwrap() error { return r.fault }

// Place is that of the function; who has the script knows that of its return.
func (r *returned) Place() string {
	if fn, ok := r.fn.(*starlark.Function); ok {
		return fn.Position().String()
	}
	return ""
}
