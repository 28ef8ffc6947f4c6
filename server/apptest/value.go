package apptest

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// eachPair calls f for the pairs of a dict, or of a list of (name, value).
func eachPair(v starlark.Value, f func(name string, v starlark.Value) error) error {
	var items []starlark.Value
	switch v := v.(type) {
	case starlark.IterableMapping:
		for _, item := range v.Items() {
			items = append(items, item)
		}
	case starlark.Iterable:
		items = slices.AppendSeq(items, starlark.Elements(v))
	default:
		return fmt.Errorf("it is %s, neither a dict nor a list of (name, value)", v.Type())
	}
	for _, item := range items {
		pair, ok := item.(starlark.Tuple)
		if !ok || len(pair) != 2 {
			return fmt.Errorf("it has %s, not a tuple (name, value)", item.Type())
		}
		name, ok := starlark.AsString(pair[0])
		if !ok {
			return fmt.Errorf("the name %s is %s, not a string", pair[0], pair[0].Type())
		}
		if err := f(name, pair[1]); err != nil {
			return err
		}
	}
	return nil
}

// pairsOf returns pairs of text. A value that is a list of texts is a name for each of them.
func pairsOf(v starlark.Value) (pairs [][2]string, err error) {
	err = eachPair(v, func(name string, v starlark.Value) error {
		values := []starlark.Value{v}
		if list, ok := v.(*starlark.List); ok {
			values = slices.Collect(starlark.Elements(list))
		}
		for _, v := range values {
			s, ok := host.Octets(v)
			if !ok {
				return fmt.Errorf("the value of %q is %s, not a string: write str(x)", name, v.Type())
			}
			pairs = append(pairs, [2]string{name, s})
		}
		return nil
	})
	return pairs, err
}

func texts(m starlark.IterableMapping) (map[string]string, error) {
	if m == nil {
		return nil, nil
	}
	all := make(map[string]string)
	pairs, err := pairsOf(m)
	for _, p := range pairs {
		all[p[0]] = p[1]
	}
	return all, err
}

// encode is url.Values.Encode, in the order that was given.
func encode(pairs [][2]string) string {
	var parts []string
	for _, p := range pairs {
		parts = append(parts, url.QueryEscape(p[0])+"="+url.QueryEscape(p[1]))
	}
	return strings.Join(parts, "&")
}

// headers are the fields of a response: a mapping from names, whose case does not matter, to
// values, those of repeated fields joined. It is immutable.
type headers struct{ fields http.Header }

var (
	_ starlark.IterableMapping = headers{}
	_ starlark.Sequence        = headers{}
	_ starlark.HasAttrs        = headers{}
)

func (h headers) String() string        { return starlark.NewList(h.pairs()).String() }
func (h headers) Type() string          { return "test.headers" }
func (h headers) Freeze()               {}
func (h headers) Truth() starlark.Bool  { return len(h.fields) > 0 }
func (h headers) Hash() (uint32, error) { return 0, errors.New("unhashable: test.headers") }
func (h headers) Len() int              { return len(h.fields) }

func (h headers) names() []starlark.Value {
	var names []string
	for name := range h.fields {
		names = append(names, name)
	}
	slices.Sort(names)
	return values(names)
}

func values(all []string) []starlark.Value {
	var vs []starlark.Value
	for _, s := range all {
		vs = append(vs, starlark.String(s))
	}
	return vs
}

// pairs are all fields, a pair for each line, by name.
func (h headers) pairs() []starlark.Value {
	var all []starlark.Value
	for _, name := range h.names() {
		for _, v := range h.fields[string(name.(starlark.String))] {
			all = append(all, starlark.Tuple{name, starlark.String(v)})
		}
	}
	return all
}

// Iterate gives each name once.
func (h headers) Iterate() starlark.Iterator { return starlark.Tuple(h.names()).Iterate() }

// Items gives every pair.
func (h headers) Items() []starlark.Tuple {
	var all []starlark.Tuple
	for _, p := range h.pairs() {
		all = append(all, p.(starlark.Tuple))
	}
	return all
}

func (h headers) values(name starlark.Value) []string {
	s, _ := starlark.AsString(name)
	return h.fields[http.CanonicalHeaderKey(s)]
}

// Get returns the values of a name, joined as RFC 9110, section 5.3 has it.
func (h headers) Get(name starlark.Value) (starlark.Value, bool, error) {
	all := h.values(name)
	if len(all) == 0 {
		return nil, false, nil
	}
	return starlark.String(strings.Join(all, ", ")), true, nil
}

func (h headers) AttrNames() []string { return []string{"get", "getall", "items", "keys"} }

func (h headers) Attr(name string) (starlark.Value, error) {
	method := func(most int, f func(args starlark.Tuple) starlark.Value) (starlark.Value, error) {
		return starlark.NewBuiltin(name, func(_ *starlark.Thread, b *starlark.Builtin,
			args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
			if least := min(most, 1); len(args) < least || len(args) > most || len(kwargs) > 0 {
				return nil, fmt.Errorf("%s: got %d arguments, want %d", b.Name(), len(args)+len(kwargs), most)
			}
			return f(args), nil
		}), nil
	}
	switch name {
	case "get":
		return method(2, func(args starlark.Tuple) starlark.Value {
			if v, ok, _ := h.Get(args[0]); ok {
				return v
			}
			if len(args) == 2 {
				return args[1]
			}
			return starlark.None
		})
	case "getall":
		return method(1, func(args starlark.Tuple) starlark.Value {
			return starlark.NewList(values(h.values(args[0])))
		})
	case "items":
		return method(0, func(starlark.Tuple) starlark.Value { return starlark.NewList(h.pairs()) })
	case "keys":
		return method(0, func(starlark.Tuple) starlark.Value { return starlark.NewList(h.names()) })
	}
	return nil, nil
}
