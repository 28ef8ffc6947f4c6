package http

import (
	"errors"
	"strconv"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// Values is what a client sent under names, in its order; a name may have several values. To a script it
// is a mapping to the first value of each name, with get(name, default = None), getall(name) (a list),
// keys(), and items() (all pairs, repeated names too). It is immutable.
type Values struct {
	pairs []starlark.Tuple
	names []starlark.Value // each once, in order
	index map[string][]starlark.Value
}

func (v *Values) add(name string, value starlark.Value) {
	if v.index == nil {
		v.index = make(map[string][]starlark.Value)
	}
	key := starlark.String(name)
	if _, ok := v.index[name]; !ok {
		v.names = append(v.names, key)
	}
	v.index[name] = append(v.index[name], value)
	v.pairs = append(v.pairs, starlark.Tuple{key, value})
}

var (
	_ starlark.IterableMapping = (*Values)(nil)
	_ starlark.Sequence        = (*Values)(nil)
	_ starlark.HasAttrs        = (*Values)(nil)
)

func (v *Values) String() string        { return "<http.values, " + strconv.Itoa(len(v.pairs)) + ">" }
func (v *Values) Type() string          { return "http.values" }
func (v *Values) Freeze()               {}
func (v *Values) Truth() starlark.Bool  { return len(v.pairs) > 0 }
func (v *Values) Hash() (uint32, error) { return 0, errors.New("unhashable: http.values") }

// Len counts the names.
func (v *Values) Len() int { return len(v.names) }

// Iterate gives each name once.
func (v *Values) Iterate() starlark.Iterator { return starlark.Tuple(v.names).Iterate() }

// Items gives every pair.
func (v *Values) Items() []starlark.Tuple { return append([]starlark.Tuple(nil), v.pairs...) }

// Get returns the first value of a name.
func (v *Values) Get(name starlark.Value) (starlark.Value, bool, error) {
	s, ok := name.(starlark.String)
	if !ok || len(v.index[string(s)]) == 0 {
		return nil, false, nil
	}
	return v.index[string(s)][0], true, nil
}

var methods = map[string]*starlark.Builtin{
	"get": starlark.NewBuiltin("get", func(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
		var name string
		var other starlark.Value = starlark.None
		if err := unpack("get", args, kwargs, "name", &name, "default?", &other); err != nil {
			return nil, err
		}
		if all := b.Receiver().(*Values).index[name]; len(all) > 0 {
			return all[0], nil
		}
		return other, nil
	}),
	"getall": starlark.NewBuiltin("getall", func(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
		var name string
		if err := unpack("getall", args, kwargs, "name", &name); err != nil {
			return nil, err
		}
		return list(b.Receiver().(*Values).index[name]), nil
	}),
	"keys": starlark.NewBuiltin("keys", func(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
		return list(b.Receiver().(*Values).names), unpack("keys", args, kwargs)
	}),
	"items": starlark.NewBuiltin("items", func(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
		var all []starlark.Value
		for _, p := range b.Receiver().(*Values).pairs {
			all = append(all, p)
		}
		return starlark.NewList(all), unpack("items", args, kwargs)
	}),
}

// list copies, because a script may change a list.
func list(v []starlark.Value) *starlark.List {
	return starlark.NewList(append([]starlark.Value(nil), v...))
}

// AttrNames returns the names of the methods.
func (v *Values) AttrNames() []string { return []string{"get", "getall", "items", "keys"} }

// Attr returns a method.
func (v *Values) Attr(name string) (starlark.Value, error) {
	if m := methods[name]; m != nil {
		return m.BindReceiver(v), nil
	}
	return nil, nil
}

// A file is one that was uploaded: name (of the field), filename (as the client calls it, without its
// directories), content_type (what the client says), size, and the methods of a [host.File].
type file struct {
	*host.File
	attrs starlark.StringDict
}

func (f *file) String() string { return "<http.file " + f.attrs["filename"].String() + ">" }
func (f *file) Type() string   { return "http.file" }

func (f *file) AttrNames() []string { return append(f.File.AttrNames(), f.attrs.Keys()...) }

func (f *file) Attr(name string) (starlark.Value, error) {
	if v, ok := f.attrs[name]; ok {
		return v, nil
	}
	return f.File.Attr(name)
}
