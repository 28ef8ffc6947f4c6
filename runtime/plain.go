package runtime

import (
	"slices"

	"go.starlark.net/syntax"
)

// plain are the builtins, and the methods of strings, whose results are measured in no time.
var plain = []string{
	"bool", "chr", "float", "hash", "int", "len", "ord", "repr", "str", "type",
	"capitalize", "endswith", "find", "join", "lower", "lstrip", "removeprefix", "removesuffix",
	"replace", "rstrip", "startswith", "strip", "title", "upper",
}

// small reports whether an expression is a value that is measured in no time, by what it says.
func small(e syntax.Expr) bool {
	switch e := e.(type) {
	case *syntax.Literal:
		return true
	case *syntax.ParenExpr:
		return small(e.X)
	case *syntax.UnaryExpr:
		return e.Op == syntax.NOT || small(e.X)
	case *syntax.ListExpr:
		return !slices.ContainsFunc(e.List, large)
	case *syntax.TupleExpr:
		return !slices.ContainsFunc(e.List, large)
	case *syntax.CondExpr:
		return small(e.True) && small(e.False)
	case *syntax.BinaryExpr:
		switch e.Op {
		case syntax.PLUS:
			return text(e.X) || text(e.Y)
		case syntax.PERCENT:
			return text(e.X)
		case syntax.STAR, syntax.PIPE, syntax.AND, syntax.OR:
			return small(e.X) && small(e.Y)
		case syntax.EQL, syntax.NEQ, syntax.LT, syntax.LE, syntax.GT, syntax.GE, syntax.IN,
			syntax.NOT_IN:
			return true
		}
	case *syntax.CallExpr:
		return calls(e.Fn)
	}
	return false
}

func large(e syntax.Expr) bool { return !small(e) }

// text reports whether an expression is a string, or fails.
func text(e syntax.Expr) bool {
	switch e := e.(type) {
	case *syntax.Literal:
		return e.Token == syntax.STRING || e.Token == syntax.BYTES
	case *syntax.ParenExpr:
		return text(e.X)
	case *syntax.BinaryExpr:
		return e.Op == syntax.PERCENT && text(e.X) || e.Op == syntax.PLUS && (text(e.X) || text(e.Y))
	}
	return false
}

// calls reports whether fn is a builtin or a method with a plain result.
func calls(fn syntax.Expr) bool {
	switch fn := fn.(type) {
	case *syntax.Ident:
		return slices.Contains(plain, fn.Name)
	case *syntax.DotExpr:
		return slices.Contains(plain, fn.Name.Name)
	}
	return false
}
