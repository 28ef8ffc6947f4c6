package runtime

import (
	"slices"
	"strings"

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
			return isText(e.X) || isText(e.Y)
		case syntax.PERCENT:
			return isText(e.X)
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

// isText reports whether an expression is a string, or fails.
func isText(e syntax.Expr) bool {
	switch e := e.(type) {
	case *syntax.Literal:
		return e.Token == syntax.STRING || e.Token == syntax.BYTES
	case *syntax.ParenExpr:
		return isText(e.X)
	case *syntax.BinaryExpr:
		return e.Op == syntax.PERCENT && isText(e.X) || e.Op == syntax.PLUS && (isText(e.X) || isText(e.Y))
	}
	return false
}

// number returns the small int that an expression is, as it stands there, -1 for any other.
func number(e syntax.Expr) int64 {
	switch e := e.(type) {
	case *syntax.ParenExpr:
		return number(e.X)
	case *syntax.Literal:
		if n, ok := e.Value.(int64); ok {
			return n
		}
		if _, ok := e.Value.(float64); ok {
			return 0
		}
	}
	return -1
}

// short reports whether an expression is brief, as it stands there: a literal, or a list of few
// elements.
func short(e syntax.Expr) bool {
	switch e := e.(type) {
	case *syntax.ParenExpr:
		return short(e.X)
	case *syntax.Literal:
		s, ok := e.Value.(string)
		return !ok && number(e) >= 0 || ok && len(s) <= brief
	case *syntax.ListExpr:
		return len(e.List) <= brief/32
	case *syntax.TupleExpr:
		return len(e.List) <= brief/32
	}
	return false
}

// plainFormat reports whether an expression is a format, as it stands there, in which each
// operand of % is written once.
func plainFormat(e syntax.Expr) bool {
	switch e := e.(type) {
	case *syntax.ParenExpr:
		return plainFormat(e.X)
	case *syntax.Literal:
		s, ok := e.Value.(string)
		return ok && !strings.Contains(s, "%(")
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
