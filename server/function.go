package server

import (
	"errors"

	"github.com/larkspur-web/larkspur/environ"
	"go.starlark.net/starlark"
)

// A function is one of those that a response gives to its application. It is a part of the
// response, so that it costs no allocation, where a builtin would cost itself and a closure.
type function struct {
	*definition
	r *response
}

// A definition is what such a function does.
type definition struct {
	name string
	call func(r *response, t *starlark.Thread, args starlark.Tuple,
		kwargs []starlark.Tuple) (starlark.Value, error)
}

var (
	_ starlark.Callable = (*function)(nil)
	_ environ.Starter   = (*starter)(nil)
)

func (f *function) Name() string          { return f.name }
func (f *function) String() string        { return "<built-in function " + f.name + ">" }
func (f *function) Type() string          { return "builtin_function_or_method" }
func (f *function) Freeze()               {}
func (f *function) Truth() starlark.Bool  { return starlark.True }
func (f *function) Hash() (uint32, error) { return 0, errors.New("unhashable: " + f.Type()) }

// CallInternal calls the function, if the response has not ended.
func (f *function) CallInternal(t *starlark.Thread, args starlark.Tuple,
	kwargs []starlark.Tuple) (starlark.Value, error) {
	if err := f.ended(); err != nil {
		return nil, err
	}
	return f.call(f.r, t, args, kwargs)
}

// ended returns the error of a function that was kept for longer than its response.
func (f *function) ended() error {
	if !f.r.over {
		return nil
	}
	return environ.Errorf(environ.CodeEnded, "call it during the request",
		"%s() called after the response ended", f.name)
}
