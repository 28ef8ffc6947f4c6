package toml

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"
	startime "go.starlark.net/lib/time"
	"go.starlark.net/starlark"
)

// value returns what a script sees of a value of the library. Its tables are in the order o.
func value(v any, o *order) (starlark.Value, error) {
	switch v := v.(type) {
	case string:
		return starlark.String(v), nil
	case int64:
		return starlark.MakeInt64(v), nil
	case float64:
		return starlark.Float(v), nil
	case bool:
		return starlark.Bool(v), nil
	case time.Time:
		return startime.Time(v), nil
	case toml.LocalDateTime:
		return startime.Time(v.AsTime(time.UTC)), nil
	case toml.LocalDate:
		return startime.Time(v.AsTime(time.UTC)), nil
	case toml.LocalTime:
		return starlark.String(v.String()), nil
	case []any:
		elems := make([]starlark.Value, len(v))
		for i := range v {
			var err error
			if elems[i], err = value(v[i], o.element(i)); err != nil {
				return nil, err
			}
		}
		return starlark.NewList(elems), nil
	case map[string]any:
		dict := starlark.NewDict(len(v))
		for _, name := range o.sort(v) {
			x, err := value(v[name], o.child(name))
			if err != nil {
				return nil, err
			}
			if err := dict.SetKey(starlark.String(name), x); err != nil {
				return nil, err
			}
		}
		return dict, nil
	}
	return nil, fmt.Errorf("a %T has no counterpart", v)
}

// An order is in which order the keys of a table came, or the orders of the elements of an array.
// The library's tables are maps, which have none. A nil order knows of none.
type order struct {
	names    []string
	children map[string]*order
	elements []*order
}

func (o *order) child(name string) *order {
	if o == nil {
		return nil
	}
	return o.children[name]
}

func (o *order) element(i int) *order {
	if o == nil || i >= len(o.elements) {
		return nil
	}
	return o.elements[i]
}

// sort returns the keys of a table in their order.
func (o *order) sort(table map[string]any) []string {
	if o != nil && len(o.names) == len(table) {
		return o.names
	}
	return slices.Sorted(maps.Keys(table))
}

// at returns the order of what a key leads to: of the last element, if that is an array of tables.
func (o *order) at(name string) *order {
	next := o.children[name]
	if next == nil {
		if o.children == nil {
			o.children = make(map[string]*order)
		}
		next = new(order)
		o.children[name] = next
		o.names = append(o.names, name)
	}
	return next
}

func (o *order) last() *order {
	if n := len(o.elements); n > 0 {
		return o.elements[n-1]
	}
	return o
}

// orderOf returns the order of a text that the library has accepted.
func orderOf(text []byte) *order {
	root := new(order)
	table := root
	var p unstable.Parser
	p.Reset(text)
	for p.NextExpression() {
		switch e := p.Expression(); e.Kind {
		case unstable.Table:
			table = root.walk(e.Key()).last()
		case unstable.ArrayTable:
			array := root.walk(e.Key())
			array.elements = append(array.elements, new(order))
			table = array.last()
		case unstable.KeyValue:
			table.walk(e.Key()).value(e.Value())
		}
	}
	return root
}

func (o *order) walk(key unstable.Iterator) *order {
	for key.Next() {
		o = o.last().at(string(key.Node().Data))
	}
	return o
}

// value notes the keys that are inside a value.
func (o *order) value(n *unstable.Node) {
	switch n.Kind {
	case unstable.Array:
		for children := n.Children(); children.Next(); {
			element := new(order)
			element.value(children.Node())
			o.elements = append(o.elements, element)
		}
	case unstable.InlineTable:
		for children := n.Children(); children.Next(); {
			o.walk(children.Node().Key()).value(children.Node().Value())
		}
	}
}
