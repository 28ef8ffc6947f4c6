package route

import (
	"fmt"
	"slices"
	"strings"

	"github.com/larkspur-web/larkspur/environ"
	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// A handler is what a route calls, and how the parameters of its pattern are passed.
type handler struct {
	fn     starlark.Callable // nil if there is a constant
	answer host.Answer
	kinds  []kindOf
	names  []string
	keys   []starlark.Value
	// order has for each argument after environ the parameter of the pattern; nil passes them by
	// name.
	order []int
}

// newHandler returns the handler of a route, or what is wrong with it.
func newHandler(fn starlark.Callable, p *pattern) (*handler, error) {
	h := &handler{fn: fn, names: p.names}
	for _, s := range p.segments {
		for _, part := range s.parts {
			if part.name != "" {
				h.kinds = append(h.kinds, part.kind)
				h.keys = append(h.keys, starlark.String(part.name))
			}
		}
	}
	switch fn := fn.(type) {
	case host.Answer:
		h.fn, h.answer = nil, fn
	case *Router:
		return nil, fmt.Errorf("%s is an application, not a handler: write mount(%q, ...)", fn, p.text)
	case host.Wrapper:
		return nil, fmt.Errorf("%s is an application, not a handler: write mount(%q, ...); or, around a handler, "+
			"group(\"\", [...], middleware = [...]), with its route in the list", fn.(starlark.Value), p.text)
	case *starlark.Function:
		return h, h.fit(fn, p)
	}
	return h, nil
}

// fit finds out how the parameters of the pattern are passed to fn, or why they cannot be.
func (h *handler) fit(fn *starlark.Function, p *pattern) error {
	positions := fn.NumParams() - fn.NumKwonlyParams()
	if fn.HasVarargs() {
		positions--
	}
	if fn.HasKwargs() {
		positions--
	}
	all := fn.NumParams()
	if fn.HasVarargs() {
		all--
	}
	if fn.HasKwargs() {
		all--
	}
	write := fmt.Sprintf("write def %s(%s)", fn.Name(), strings.Join(
		append([]string{"environ"}, h.names...), ", "))
	if fn.Name() == "lambda" {
		write = fmt.Sprintf("write lambda %s: ...", strings.Join(
			append([]string{"environ"}, h.names...), ", "))
	}
	if positions == 0 && !fn.HasVarargs() {
		return fmt.Errorf("the handler %s takes no environ; %s", fn.Name(), write)
	}
	taken := make([]bool, len(h.names))
	if positions == 0 && len(h.names) > 0 && !fn.HasKwargs() {
		return fmt.Errorf("the handler %s takes no %s, which the pattern %q gives; %s", fn.Name(),
			h.names[0], p.text, write)
	}
	for i := range all {
		name, _ := fn.Param(i)
		k := slices.Index(h.names, name)
		switch {
		case i == 0 && positions > 0 && k >= 0:
			return fmt.Errorf("the first parameter of the handler %s is %s, and is passed environ; "+
				"%s", fn.Name(), name, write)
		case i == 0 && positions > 0:
		case k >= 0:
			taken[k] = true
			if i < positions && len(h.order) == i-1 {
				h.order = append(h.order, k)
			}
		case fn.ParamDefault(i) == nil && name == "start_response":
			return fmt.Errorf("%s(environ, start_response) is an application, not a handler, which "+
				"takes environ and returns a response; write mount(%q, %s)", fn.Name(), p.text,
				fn.Name())
		case fn.ParamDefault(i) == nil:
			return fmt.Errorf("the handler %s takes %s, which the pattern %q does not give; %s",
				fn.Name(), name, p.text, write)
		}
	}
	if k := slices.Index(taken, false); k >= 0 && !fn.HasKwargs() {
		return fmt.Errorf("the handler %s takes no %s, which the pattern %q gives; %s", fn.Name(),
			h.names[k], p.text, write)
	}
	if len(h.order) < len(h.names) {
		h.order = nil
	}
	return nil
}

func (h *handler) name() string {
	if h.answer != nil {
		return h.answer.Name()
	}
	return nameOf(h.fn)
}

// call calls the handler and returns the application that it answers with.
func (h *handler) call(
	t *starlark.Thread, env starlark.Value, m *match,
) (starlark.Callable, error) {
	if h.answer != nil {
		return h.answer, nil
	}
	args := m.args[:1]
	args[0] = env
	var kwargs []starlark.Tuple
	if h.order != nil || len(h.names) == 0 {
		for _, k := range h.order {
			args = append(args, h.kinds[k].value(m.values[k]))
		}
	} else {
		for k, key := range h.keys {
			kwargs = append(kwargs, starlark.Tuple{key, h.kinds[k].value(m.values[k])})
		}
	}
	v, err := starlark.Call(t, h.fn, starlark.Tuple(args), kwargs)
	if err != nil {
		return nil, err
	}
	return answerOf(h.fn, v, "the handler")
}

// answerOf returns what fn returned as the application that it is to be.
func answerOf(fn starlark.Callable, v starlark.Value, what string) (starlark.Callable, error) {
	if app, ok := v.(starlark.Callable); ok {
		return app, nil
	}
	return nil, &returned{fault(fn, v, what), fn, v}
}

// fault says what to write for what is no response.
func fault(fn starlark.Callable, v starlark.Value, what string) *environ.Error {
	var fix string
	switch v.(type) {
	case starlark.NoneType:
		fix = `end it with return text("...")`
	case starlark.String:
		fix = "write return text(...), or html(...)"
	case starlark.Bytes:
		fix = `write return data(..., "application/octet-stream")`
	case *starlark.Dict, *starlark.List:
		fix = "write return json(...)"
	case starlark.Tuple:
		fix = "write return text(..., status = ..., headers = ...)"
	default:
		fix = `write return text("...")`
	}
	return environ.Errorf("", fix, "%s %s returned %s, not a response", what, nameOf(fn),
		describe(v))
}

// describe is what a message calls a value.
func describe(v starlark.Value) string {
	switch v.(type) {
	case starlark.NoneType:
		return "None"
	case starlark.String:
		return "a string"
	case *starlark.Dict:
		return "a dict"
	case *starlark.List:
		return "a list"
	case starlark.Tuple:
		return "a tuple"
	case starlark.Int:
		return "an int"
	}
	return v.Type()
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
