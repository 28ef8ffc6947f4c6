package http

import (
	"strconv"

	"github.com/larkspur-web/larkspur/environ"
	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// values are what valuesType describes. They are immutable.
type values struct {
	host.Object
	pairs []starlark.Tuple
	names []starlark.Value // each once, in order
	index map[string][]starlark.Value
	lacks string // what is said of a name that is missing, before it
}

func newValues(lacks string) *values { return &values{Object: "http.values", lacks: lacks} }

func (v *values) add(name string, value starlark.Value) {
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
	_ starlark.IterableMapping = (*values)(nil)
	_ starlark.Sequence        = (*values)(nil)
	_ starlark.HasAttrs        = (*values)(nil)
)

func (v *values) String() string { return "<http.values, " + strconv.Itoa(len(v.pairs)) + ">" }

// Truth reports whether there is anything.
func (v *values) Truth() starlark.Bool { return len(v.pairs) > 0 }

// Len counts the names.
func (v *values) Len() int { return len(v.names) }

// Iterate gives each name once.
func (v *values) Iterate() starlark.Iterator { return starlark.Tuple(v.names).Iterate() }

// Items gives every pair.
func (v *values) Items() []starlark.Tuple { return append([]starlark.Tuple(nil), v.pairs...) }

// Get returns the first value of a name. That there is none is the client's fault, and an error
// that says so: uncaught, the client gets 400.
func (v *values) Get(name starlark.Value) (starlark.Value, bool, error) {
	s, ok := name.(starlark.String)
	if !ok {
		return nil, false, nil
	}
	if len(v.index[string(s)]) == 0 {
		return nil, false, malformed("%s %s", v.lacks, s)
	}
	return v.index[string(s)][0], true, nil
}

var valuesType = &host.Type{
	Name: "http.values",
	Doc: "What a client sent under names, in its order; a name may have several values. It is a " +
		"mapping from each name to its first value; to ask it for a name that is missing is an " +
		"error, and the client gets 400 if that is not caught.",
	Misuse: environ.Misuse,
	Members: []host.Member{
		{
			Name: "get",
			Doc:  "Returns the first value of a name.",
			Params: []host.Param{
				{Name: "name", Doc: "the name", Type: "string"},
				{
					Name:    "default",
					Doc:     "what is returned if there is none",
					Type:    "any",
					Default: starlark.None,
				},
			},
			Result:  "the value: a string, or an http.file",
			Example: `query({"QUERY_STRING": "a=1&a=2"}).get("a")  # "1"`,
			Fn:      getValue,
		},
		{
			Name:    "getall",
			Doc:     "Returns all values of a name.",
			Params:  []host.Param{{Name: "name", Doc: "the name", Type: "string"}},
			Result:  "a list",
			Example: `query({"QUERY_STRING": "a=1&a=2"}).getall("a")  # ["1", "2"]`,
			Fn: func(a host.Args) (starlark.Value, error) {
				var name string
				if err := a.Unpack(&name); err != nil {
					return nil, err
				}
				return list(a.Of.(*values).index[name]), nil
			},
		},
		{
			Name:    "keys",
			Doc:     "Returns the names, each once.",
			Result:  "a list",
			Example: `query({"QUERY_STRING": "a=1&b=2&a=3"}).keys()  # ["a", "b"]`,
			Fn: func(a host.Args) (starlark.Value, error) {
				if err := a.Unpack(); err != nil {
					return nil, err
				}
				return list(a.Of.(*values).names), nil
			},
		},
		{
			Name:   "items",
			Doc:    "Returns all pairs of a name and a value, repeated names too.",
			Result: "a list of tuples",
			Example: `query({"QUERY_STRING": "b=1&a=2&b=3"}).items()  ` +
				`# [("b", "1"), ("a", "2"), ("b", "3")]`,
			Fn: itemsOf,
		},
	},
}

// getValue is get(name, default = None).
func getValue(a host.Args) (starlark.Value, error) {
	var name string
	var other starlark.Value
	if err := a.Unpack(&name, &other); err != nil {
		return nil, err
	}
	if all := a.Of.(*values).index[name]; len(all) > 0 {
		return all[0], nil
	}
	return other, nil
}

// itemsOf is items().
func itemsOf(a host.Args) (starlark.Value, error) {
	if err := a.Unpack(); err != nil {
		return nil, err
	}
	var all []starlark.Value
	for _, p := range a.Of.(*values).pairs {
		all = append(all, p)
	}
	return starlark.NewList(all), nil
}

// list copies, because a script may change a list.
func list(v []starlark.Value) *starlark.List {
	return starlark.NewList(append([]starlark.Value(nil), v...))
}

// AttrNames returns the names of the methods.
func (v *values) AttrNames() []string { return valuesType.AttrNames() }

// Attr returns a method.
func (v *values) Attr(
	name string,
) (starlark.Value, error) {
	return valuesType.Method(v, name), nil
}
