package runtime

import (
	"fmt"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// maxSearch bounds what a look through a list compares, in elements of it times values of what is
// looked for: both may be small by themselves.
const maxSearch = 1 << 24

// few is how many elements a list may have that is looked through for anything.
const few = 1 << 10

// searched is the proxy of what is looked through: x in list, list.index(x).
func (r room) searched(v starlark.Value) (starlark.Value, error) {
	switch v := v.(type) {
	case *starlark.List:
		if v.Len() > few {
			return receiver{v, r}, nil
		}
	case starlark.Tuple:
		if len(v) > few {
			return receiver{v, r}, nil
		}
	}
	return v, nil
}

// A receiver stands for a value between its name and an operator: the methods that it gives look at
// their arguments, and so does a search of it.
type receiver struct {
	starlark.Value
	room room
}

var (
	_ starlark.HasAttrs  = receiver{}
	_ starlark.Container = receiver{}
)

// AttrNames are those of the value, for the interpreter to suggest one.
func (r receiver) AttrNames() []string {
	if v, ok := r.Value.(starlark.HasAttrs); ok {
		return v.AttrNames()
	}
	return nil
}

// Attr returns a method.
func (r receiver) Attr(name string) (starlark.Value, error) {
	v, ok := r.Value.(starlark.HasAttrs)
	if !ok {
		return nil, nil
	}
	method, err := v.Attr(name)
	if err != nil || method == nil {
		return nil, err // not a nil of another type
	}
	return r.room.careful(method), nil
}

// Has reports whether x is in the value.
func (r receiver) Has(x starlark.Value) (bool, error) {
	if err := search(r.Value, x); err != nil {
		return false, err
	}
	found, err := starlark.Binary(syntax.IN, x, r.Value)
	return err == nil && bool(found.Truth()), err
}

// search returns an error if looking for x in a list or a tuple compares too much.
func search(in, x starlark.Value) error {
	switch in.(type) {
	case *starlark.List, starlark.Tuple:
	default:
		return nil
	}
	n := max(starlark.Len(in), 1)
	if host.Measure(x, maxSearch/n*host.Element) != nil {
		return fmt.Errorf("%s of %d elements is too long to look for this %s in it", in.Type(), n,
			x.Type())
	}
	return nil
}
