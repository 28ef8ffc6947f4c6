package runtime

import (
	"fmt"
	"slices"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// maxSearch bounds what a look through a list compares, in elements of it times values of what is
// looked for: both may be small by themselves.
const maxSearch = 1 << 24

// few is how many elements a list may have that is looked through for anything.
const few = 1 << 10

// A proxy is a mapping as a gauge is, of each value to one that may stand for it.
type proxy struct {
	gauge
	of func(starlark.Value) starlark.Value
}

// Get returns what stands for the value.
func (p proxy) Get(v starlark.Value) (starlark.Value, bool, error) { return p.of(v), true, nil }

// searched is the proxy of what is looked through: x in list, list.index(x).
func searched(v starlark.Value) starlark.Value {
	switch v := v.(type) {
	case *starlark.List:
		if v.Len() > few {
			return receiver{v}
		}
	case starlark.Tuple:
		if len(v) > few {
			return receiver{v}
		}
	}
	return v
}

// received is the proxy of what a method is taken of, to be called elsewhere.
func received(v starlark.Value) starlark.Value {
	switch v.(type) {
	case *starlark.List, *starlark.Dict, *starlark.Set, starlark.String:
		return receiver{v}
	}
	return v
}

// A receiver stands for a value between its name and an operator: the methods that it gives look at
// their arguments, and so does a search of it.
type receiver struct{ starlark.Value }

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
	return careful(method), nil
}

// Has reports whether x is in the value.
func (r receiver) Has(x starlark.Value) (bool, error) {
	if err := search(r.Value, x); err != nil {
		return false, err
	}
	found, err := starlark.Binary(syntax.IN, x, r.Value)
	return err == nil && bool(found.Truth()), err
}

// careful returns v, which looks at its arguments first if it is a method that hashes, compares or
// writes them.
func careful(v starlark.Value) starlark.Value {
	method, ok := v.(*starlark.Builtin)
	if !ok || method.Receiver() == nil || !slices.Contains(methods, method.Name()) {
		return v
	}
	return starlark.NewBuiltin(method.Name(), func(
		t *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple,
	) (starlark.Value, error) {
		all := slices.Clone(args)
		for _, kv := range kwargs {
			all = append(all, kv[1])
		}
		for _, arg := range all {
			err := comparable(arg)
			if err == nil {
				err = search(b.Receiver(), arg)
			}
			if err != nil {
				return nil, fmt.Errorf("%s: %w", b.Name(), err)
			}
		}
		return method.CallInternal(t, args, kwargs)
	}).BindReceiver(method.Receiver())
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

// attribute is the stock getattr, which may give a method.
func attribute(
	t *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple,
) (starlark.Value, error) {
	v, err := starlark.Universe["getattr"].(*starlark.Builtin).CallInternal(t, args, kwargs)
	if err != nil {
		return nil, err
	}
	return careful(v), nil
}
