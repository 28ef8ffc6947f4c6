package lint

import (
	"strings"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/syntax"
)

// most is the origin that may be most.
func (c *composer) most(all ...syntax.Expr) host.Origin {
	o := host.Fixed
	for _, e := range all {
		if e != nil {
			o = max(o, c.origin(e))
		}
	}
	return o
}

// origin says where a value comes from.
func (c *composer) origin(e syntax.Expr) host.Origin {
	if c.left--; c.left < 0 {
		return host.Other
	}
	switch e := e.(type) {
	case *syntax.Literal:
		return host.Fixed
	case *syntax.Ident:
		return c.variable(e)
	case *syntax.ParenExpr:
		return c.origin(e.X)
	case *syntax.UnaryExpr:
		return c.most(e.X)
	case *syntax.CondExpr:
		return c.most(e.True, e.False)
	case *syntax.ListExpr:
		return c.most(e.List...)
	case *syntax.TupleExpr:
		return c.most(e.List...)
	case *syntax.DictExpr:
		o := host.Fixed
		for _, x := range e.List {
			if entry, ok := x.(*syntax.DictEntry); ok {
				o = max(o, c.origin(entry.Value))
			}
		}
		return o
	case *syntax.Comprehension:
		if entry, ok := e.Body.(*syntax.DictEntry); ok {
			return c.most(entry.Value)
		}
		return c.origin(e.Body)
	case *syntax.IndexExpr: // one of the values, whatever the key is
		return c.origin(e.X)
	case *syntax.SliceExpr:
		return c.origin(e.X)
	case *syntax.DotExpr:
		return c.origin(e.X)
	case *syntax.BinaryExpr:
		switch e.Op {
		case syntax.PLUS, syntax.PERCENT, syntax.AND, syntax.OR, syntax.PIPE:
			return c.most(e.X, e.Y)
		case syntax.STAR: // ["?"] * n
			if l, ok := e.X.(*syntax.Literal); ok && l.Token == syntax.INT {
				return c.origin(e.Y)
			}
			return c.origin(e.X)
		}
		return host.Fixed // a number, or a bool
	case *syntax.CallExpr:
		return c.result(e)
	}
	return host.Other
}

// variable is the origin of what a variable is.
func (c *composer) variable(id *syntax.Ident) host.Origin {
	v := variable(id)
	if v == nil {
		return host.Fixed // True, or a builtin
	}
	if c.seen[v] {
		return host.Fixed // it is made of itself and others
	}
	c.seen[v] = true
	defer delete(c.seen, v)
	o := host.Fixed
	for _, b := range c.binds[v] {
		switch b.how {
		case loaded, defined:
			o = max(o, host.Other)
		case parameter, lambda:
			o = max(o, host.Passed)
			if id.Name == "environ" {
				o = host.Sent
			}
		}
	}
	return max(o, c.most(c.values[v]...))
}

// result is the origin of what a call returns.
func (c *composer) result(call *syntax.CallExpr) host.Origin {
	var args []syntax.Expr
	for _, arg := range call.Args {
		if named, ok := arg.(*syntax.BinaryExpr); ok && named.Op == syntax.EQ {
			arg = named.Y
		}
		args = append(args, arg)
	}
	switch fn := call.Fn.(type) {
	case *syntax.Ident:
		if builtin(fn) {
			switch fn.Name {
			case "len", "int", "float", "bool", "ord", "hash", "range", "type":
				return host.Fixed
			case "str", "repr", "list", "tuple", "sorted", "reversed", "zip", "enumerate", "min", "max",
				"dict", "set":
				return c.most(args...)
			}
			return host.Other
		}
	case *syntax.DotExpr:
		switch of := c.origin(fn.X); {
		case c.module(fn.X):
		case fn.Name.Name == "get" && len(args) > 0: // one of the values, whatever the key is
			return max(of, c.most(args[1:]...))
		case strings.Contains(" join format replace ", " "+fn.Name.Name+" "):
			return max(of, c.most(args...))
		default:
			return of
		}
	}
	// A function of a host module makes something of what it is given.
	if c.module(call.Fn) {
		if o := c.most(args...); o > host.Other {
			return o
		}
	}
	return host.Other
}

// module reports whether an expression is a host module, or what one has.
func (c *composer) module(e syntax.Expr) bool {
	v, ok := c.value(e)
	return ok && v.typ == nil
}
