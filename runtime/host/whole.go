package host

import (
	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"
)

// whole returns a module with all its members as attributes. If one has the name of the module, as
// random.random, a script that loads that name has both: the whole is called as the member is.
func whole(name string, members starlark.StringDict) starlark.Value {
	m := &starlarkstruct.Module{Name: name, Members: members}
	if fn, ok := members[name].(starlark.Callable); ok {
		return &function{m, fn}
	}
	return m
}

// A function is the whole of a module that is called as its member of the same name.
type function struct {
	*starlarkstruct.Module
	fn starlark.Callable
}

var (
	_ starlark.Callable = (*function)(nil)
	_ starlark.HasAttrs = (*function)(nil)
)

// Type is that of the member: errors name it.
func (f *function) Type() string { return f.fn.Type() }

// Name is that of the member.
func (f *function) Name() string { return f.fn.Name() }

// CallInternal calls the member.
func (f *function) CallInternal(
	t *starlark.Thread, args starlark.Tuple, kwargs []starlark.Tuple,
) (starlark.Value, error) {
	return f.fn.CallInternal(t, args, kwargs)
}
