package sql

import (
	"fmt"
	"slices"
	"strings"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// columns are what the rows of one result have in common. They are immutable.
type columns struct {
	names []string
	keys  []starlark.Value // each name once, in order
	index map[string]int   // where there are too many to look at each
}

// many is how many columns are looked up in a map.
const many = 8

func newColumns(names []string) *columns {
	c := &columns{names: names, keys: make([]starlark.Value, 0, len(names))}
	if len(names) > many {
		c.index = make(map[string]int, len(names))
		for i, name := range slices.Backward(names) {
			c.index[name] = i
		}
	}
	for i, name := range names {
		if c.find(name) == i {
			c.keys = append(c.keys, starlark.String(name))
		}
	}
	return c
}

// find returns the position of the first column of that name, -1 if there is none.
func (c *columns) find(name string) int {
	if c.index != nil {
		if i, ok := c.index[name]; ok {
			return i
		}
		return -1
	}
	for i, have := range c.names {
		if have == name {
			return i
		}
	}
	return -1
}

// A row is one of a result, as rowType describes it.
type row struct {
	host.Object
	columns *columns
	values  []starlark.Value // frozen
}

var (
	_ starlark.IterableMapping = (*row)(nil)
	_ starlark.Sequence        = (*row)(nil)
	_ starlark.HasAttrs        = (*row)(nil)
	_ starlark.Comparable      = (*row)(nil)
	_ host.Sizer               = (*row)(nil)
)

const rowName = "sql.row"

// String is how a struct is written.
func (r *row) String() string {
	var b strings.Builder
	b.WriteString("row(")
	for i, v := range r.values {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(r.columns.names[i] + " = " + v.String())
		if b.Len() > host.MaxMessage {
			break
		}
	}
	b.WriteString(")")
	return b.String()
}

// Len is how many columns there are, each name once.
func (r *row) Len() int { return len(r.columns.keys) }

// Truth reports whether there are any.
func (r *row) Truth() starlark.Bool { return len(r.columns.keys) > 0 }

// Get returns a value by the name of its column, or by its position.
func (r *row) Get(key starlark.Value) (v starlark.Value, found bool, err error) {
	switch key := key.(type) {
	case starlark.String:
		if i := r.columns.find(string(key)); i >= 0 {
			return r.values[i], true, nil
		}
		return nil, false, nil
	case starlark.Int:
		i, n := 0, len(r.values)
		if err := starlark.AsInt(key, &i); err != nil || i < -n || i >= n {
			return nil, false, fmt.Errorf("there is no column %s: the row has %d", host.Show(key), n)
		}
		if i < 0 {
			i += n
		}
		return r.values[i], true, nil
	}
	return nil, false, fmt.Errorf("a column has a name or a number, not a %s", key.Type())
}

// Items are pairs of name and value.
func (r *row) Items() []starlark.Tuple {
	items := make([]starlark.Tuple, len(r.columns.keys))
	for i, key := range r.columns.keys {
		items[i] = starlark.Tuple{key, r.values[r.columns.find(string(key.(starlark.String)))]}
	}
	return items
}

// Iterate gives the names, as that of a dict does.
func (r *row) Iterate() starlark.Iterator { return starlark.Tuple(r.columns.keys).Iterate() }

// AttrNames are the columns and the methods.
func (r *row) AttrNames() []string {
	names := make([]string, 0, len(r.columns.names)+4)
	for _, key := range r.columns.keys {
		names = append(names, string(key.(starlark.String)))
	}
	for _, name := range rowType.AttrNames() {
		if r.columns.find(name) < 0 {
			names = append(names, name)
		}
	}
	return names
}

// Attr returns a value, or else a method: a column hides the method of its name.
func (r *row) Attr(name string) (starlark.Value, error) {
	if i := r.columns.find(name); i >= 0 {
		return r.values[i], nil
	}
	return rowType.Method(r, name), nil
}

// CompareSameType holds two rows equal that have the same names and values in the same order.
func (r *row) CompareSameType(
	op syntax.Token, other starlark.Value, depth int,
) (bool, error) {
	if op != syntax.EQL && op != syntax.NEQ {
		return false, fmt.Errorf("%s %s %s not implemented", r.Type(), op, other.Type())
	}
	o := other.(*row)
	same := len(r.values) == len(o.values)
	for i := 0; same && i < len(r.values); i++ {
		equal, err := starlark.EqualDepth(r.values[i], o.values[i], depth-1)
		if err != nil {
			return false, err
		}
		same = equal && r.columns.names[i] == o.columns.names[i]
	}
	return same == (op == syntax.EQL), nil
}

// Size is how many bytes the values take.
func (r *row) Size() int64 {
	n := int64(0)
	for _, v := range r.values {
		n += int64(sizeOf(v))
	}
	return n
}

// sizeOf is what a value counts in the size of a result.
func sizeOf(v starlark.Value) int {
	switch v := v.(type) {
	case starlark.String:
		return host.Element + len(v)
	case starlark.Bytes:
		return host.Element + len(v)
	case *starlark.List:
		n := host.Element
		for i := range v.Len() {
			n += sizeOf(v.Index(i))
		}
		return n
	case *starlark.Dict:
		n := host.Element
		for key, value := range v.Entries() {
			n += sizeOf(key) + sizeOf(value)
		}
		return n
	}
	return host.Element
}

// rowType describes a row.
var rowType = &host.Type{
	Name: rowName,
	Doc: "A row of a result. row.title and row[\"title\"] are the value of the column title, row[0] " +
		"that of the first. It cannot be changed, and else is as a dict: len(row), name in row, " +
		"dict(row), json.encode(row), and a loop gives the names. A column hides the method of its " +
		"name. Of two columns of one name the first counts: name the other with AS.",
	Members: []host.Member{
		{
			Name: "keys", Doc: "Returns the names of the columns.", Result: "a list",
			Example: `db.one("SELECT 1 AS a, 2 AS b").keys()  # ["a", "b"]`,
			Fn: func(r *row) starlark.Value {
				return starlark.NewList(append([]starlark.Value(nil), r.columns.keys...))
			},
		},
		{
			Name: "values", Doc: "Returns the values.", Result: "a list",
			Example: `db.one("SELECT 1 AS a, 2 AS b").values()  # [1, 2]`,
			Fn: func(r *row) starlark.Value {
				return starlark.NewList(append([]starlark.Value(nil), r.values...))
			},
		},
		{
			Name: "items", Doc: "Returns pairs of name and value.", Result: "a list of tuples",
			Example: `db.one("SELECT 1 AS a").items()  # [("a", 1)]`,
			Fn: func(r *row) starlark.Value {
				var all []starlark.Value
				for _, item := range r.Items() {
					all = append(all, item)
				}
				return starlark.NewList(all)
			},
		},
		{
			Name: "get", Doc: "Returns the value of a column that may not be there.",
			Params: []host.Param{
				{Name: "name", Doc: "of the column", Type: "string"},
				{Name: "default", Doc: "what there is instead", Type: "any", Default: starlark.None},
			},
			Result:  "the value, or the default",
			Example: `db.one("SELECT 1 AS a").get("b", 0)  # 0`,
			Fn: func(r *row, name string, otherwise starlark.Value) starlark.Value {
				if i := r.columns.find(name); i >= 0 {
					return r.values[i]
				}
				return otherwise
			},
		},
	},
}
