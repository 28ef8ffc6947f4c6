package lint

import (
	"go.starlark.net/resolve"
	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// A constant is the value of an expression as far as the script tells without running.
type constant struct {
	starlark.Value      // nil if nothing is known
	exact          bool // it is this value; otherwise it is one of this type
}

func (c constant) known() bool { return c.Value != nil }

// constants are the expressions that variables are bound to which are bound once, by the first
// identifier.
type constants map[*syntax.Ident]syntax.Expr

// variable returns what identifies the variable that id means, nil if it is none of the file's.
func variable(id *syntax.Ident) *syntax.Ident {
	if b, ok := id.Binding.(*resolve.Binding); ok {
		return b.First
	}
	return nil
}

func constantsOf(f *syntax.File) constants {
	c := make(constants)
	times := make(map[*syntax.Ident]int)
	var bind func(e, to syntax.Expr)
	bind = func(e, to syntax.Expr) {
		switch e := e.(type) {
		case *syntax.Ident:
			if v := variable(e); v != nil {
				times[v]++
				c[v] = to
			}
		case *syntax.ParenExpr:
			bind(e.X, to)
		case *syntax.TupleExpr:
			for _, x := range e.List {
				bind(x, nil)
			}
		case *syntax.ListExpr:
			for _, x := range e.List {
				bind(x, nil)
			}
		case *syntax.BinaryExpr: // a parameter with a default
			bind(e.X, nil)
		case *syntax.UnaryExpr: // *args
			bind(e.X, nil)
		}
	}
	params := func(params []syntax.Expr) {
		for _, p := range params {
			bind(p, nil)
		}
	}
	syntax.Walk(f, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.AssignStmt:
			to := n.RHS
			if n.Op != syntax.EQ {
				to = nil
			}
			bind(n.LHS, to)
		case *syntax.ForStmt:
			bind(n.Vars, nil)
		case *syntax.ForClause:
			bind(n.Vars, nil)
		case *syntax.DefStmt:
			bind(n.Name, nil)
			params(n.Params)
		case *syntax.LambdaExpr:
			params(n.Params)
		}
		return true
	})
	for v, n := range times {
		if n > 1 {
			delete(c, v)
		}
	}
	return c
}

// origin returns the expression that e is, or is a variable for; nil if that is not known.
func (c constants) origin(e syntax.Expr) syntax.Expr {
	for range 10 {
		switch x := e.(type) {
		case *syntax.ParenExpr:
			e = x.X
		case *syntax.Ident:
			to := c[variable(x)]
			if to == nil {
				if variable(x) != nil {
					return nil
				}
				return x
			}
			e = to
		default:
			return e
		}
	}
	return nil
}

// budget is how many expressions are looked at for the value of one: a variable may be bound to
// what it is part of.
const budget = 100

// value returns what is known of the value of e.
func (c constants) value(e syntax.Expr) constant {
	left := budget
	return c.eval(e, &left)
}

func (c constants) eval(e syntax.Expr, left *int) constant {
	if *left--; *left < 0 {
		return constant{}
	}
	switch e := c.origin(e).(type) {
	case *syntax.Ident:
		switch e.Name {
		case "None":
			return constant{starlark.None, true}
		case "True", "False":
			return constant{starlark.Bool(e.Name == "True"), true}
		}
	case *syntax.Literal:
		return literal(e)
	case *syntax.TupleExpr:
		return c.tuple(e, left)
	case *syntax.ListExpr:
		return constant{starlark.NewList(nil), len(e.List) == 0}
	case *syntax.DictExpr:
		return constant{starlark.NewDict(0), len(e.List) == 0}
	case *syntax.BinaryExpr:
		return c.binary(e, left)
	case *syntax.CallExpr:
		return c.call(e, left)
	}
	return constant{}
}

func literal(e *syntax.Literal) constant {
	switch v := e.Value.(type) {
	case string:
		if e.Token == syntax.BYTES {
			return constant{starlark.Bytes(v), true}
		}
		return constant{starlark.String(v), true}
	case int64:
		return constant{starlark.MakeInt64(v), true}
	case float64:
		return constant{starlark.Float(v), true}
	}
	return constant{}
}

// tuple is known if its length is, for that alone can be wrong.
func (c constants) tuple(e *syntax.TupleExpr, left *int) constant {
	t := constant{exact: true}
	values := make(starlark.Tuple, len(e.List))
	for i, x := range e.List {
		v := c.eval(x, left)
		if values[i] = v.Value; !v.known() {
			values[i] = starlark.String("x")
		}
		t.exact = t.exact && v.exact
	}
	t.Value = values
	return t
}

// binary knows that a string with % or + stays one.
func (c constants) binary(e *syntax.BinaryExpr, left *int) constant {
	x := c.eval(e.X, left)
	if !x.known() || x.Type() != "string" || e.Op != syntax.PERCENT && e.Op != syntax.PLUS {
		return constant{}
	}
	if y := c.eval(e.Y, left); e.Op == syntax.PLUS && x.exact && y.exact {
		if s, ok := y.Value.(starlark.String); ok {
			return constant{x.Value.(starlark.String) + s, true}
		}
	}
	return constant{starlark.String("x"), false}
}

// call knows the types of what some builtins return.
func (c constants) call(e *syntax.CallExpr, left *int) constant {
	switch fn := e.Fn.(type) {
	case *syntax.Ident:
		if variable(fn) != nil {
			return constant{} // it is the script's own
		}
		switch fn.Name {
		case "str", "repr", "chr", "type":
			return constant{starlark.String("x"), false}
		case "len", "int", "ord", "hash":
			return constant{starlark.MakeInt(0), false}
		case "bytes":
			return constant{starlark.Bytes("x"), false}
		}
	case *syntax.DotExpr:
		if x := c.eval(fn.X, left); x.known() && x.Type() == "string" {
			switch fn.Name.Name {
			case "join", "format", "replace", "lower", "upper", "title", "strip", "lstrip", "rstrip", "capitalize":
				return constant{starlark.String("x"), false}
			}
		}
	}
	return constant{}
}
