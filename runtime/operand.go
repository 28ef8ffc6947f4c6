package runtime

import (
	"fmt"
	"slices"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// An operator runs in one step, in which nothing can stop it. So what is hashed, compared, written
// or multiplied passes through a builtin first, which refuses what is too large: a file is compiled
// with a call of it around each such operand. Those that are small by what stands there are left:
// a literal, say. No script can write the names of the builtins.
const (
	measured = "(operand)" // what is hashed, compared or written
	factor   = "(factor)"  // what is multiplied
)

// maxBits bounds an int that is multiplied, and what other operators do with one in a step. Ten
// million bits take seconds to multiply.
const maxBits = 1 << 20

// methods are those of the language that hash, compare or write their arguments.
var methods = []string{
	"add", "count", "difference", "discard", "format", "get", "index", "intersection", "issubset",
	"issuperset", "pop", "remove", "setdefault", "symmetric_difference", "union", "update",
}

// plain are the builtins, and the methods of strings, whose results are measured in no time.
var plain = []string{
	"bool", "chr", "float", "hash", "int", "len", "ord", "repr", "str", "type",
	"capitalize", "endswith", "find", "join", "lower", "lstrip", "removeprefix", "removesuffix",
	"replace", "rstrip", "startswith", "strip", "title", "upper",
}

// measure is the builtin that operands pass through.
func measure(
	_ *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, _ []starlark.Tuple,
) (starlark.Value, error) {
	if err := host.Measure(args[0], host.MaxSize); err != nil {
		return nil, fmt.Errorf("%w: too large to hash, compare or write", err)
	}
	return args[0], nil
}

// multiply is the builtin that factors pass through.
func multiply(
	_ *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, _ []starlark.Tuple,
) (starlark.Value, error) {
	if i, ok := args[0].(starlark.Int); ok {
		if _, small := i.Int64(); !small {
			if bits := i.BigInt().BitLen(); bits > maxBits {
				return nil, fmt.Errorf("int of %d bits is too large to multiply", bits)
			}
		}
	}
	return args[0], nil
}

// An operands puts calls around the operands of a file, and takes them away again.
type operands []operand

// An operand is a place in a tree, and what stood there.
type operand struct {
	at  *syntax.Expr
	was syntax.Expr
}

// enclose puts the calls into a tree that is not resolved yet.
func (o *operands) enclose(tree *syntax.File) {
	syntax.Walk(tree, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.BinaryExpr:
			o.binary(n.Op, &n.X, &n.Y)
		case *syntax.AssignStmt:
			if n.Op == syntax.STAR_EQ || n.Op == syntax.PERCENT_EQ {
				o.binary(n.Op-syntax.PLUS_EQ+syntax.PLUS, &n.LHS, &n.RHS)
			}
		case *syntax.IndexExpr:
			o.wrap(measured, &n.Y)
		case *syntax.DictEntry:
			o.wrap(measured, &n.Key)
		case *syntax.Comprehension:
			if _, entry := n.Body.(*syntax.DictEntry); n.Curly && !entry {
				o.wrap(measured, &n.Body)
			}
		case *syntax.CallExpr:
			if dot, ok := n.Fn.(*syntax.DotExpr); ok && slices.Contains(methods, dot.Name.Name) {
				o.arguments(n.Args)
			}
		}
		return true
	})
}

// binary encloses what an operator works through.
func (o *operands) binary(op syntax.Token, x, y *syntax.Expr) {
	switch op {
	case syntax.STAR:
		if !small(*x) {
			o.wrap(factor, y)
		}
	case syntax.PERCENT:
		o.wrap(measured, y)
	case syntax.EQL, syntax.NEQ, syntax.LT, syntax.LE, syntax.GT, syntax.GE:
		if !small(*y) { // two values are compared as far as the smaller one goes
			o.wrap(measured, x)
		}
	case syntax.IN, syntax.NOT_IN:
		o.wrap(measured, x)
	}
}

// arguments encloses those of a call.
func (o *operands) arguments(args []syntax.Expr) {
	for i := range args {
		switch arg := args[i].(type) {
		case *syntax.UnaryExpr:
			if arg.Op == syntax.STAR || arg.Op == syntax.STARSTAR {
				o.wrap(measured, &arg.X)
			}
		case *syntax.BinaryExpr:
			if arg.Op == syntax.EQ { // name = value
				o.wrap(measured, &arg.Y)
				continue
			}
			o.wrap(measured, &args[i])
		default:
			o.wrap(measured, &args[i])
		}
	}
}

// wrap puts a call of the builtin in the place of an expression that may be large.
func (o *operands) wrap(builtin string, at *syntax.Expr) {
	was := *at
	if small(was) {
		return
	}
	*o = append(*o, operand{at, was})
	pos, _ := was.Span()
	*at = &syntax.CallExpr{
		Fn:     &syntax.Ident{Name: builtin, NamePos: pos},
		Lparen: pos, Args: []syntax.Expr{was}, Rparen: pos,
	}
}

// restore makes the tree what it was.
func (o operands) restore() {
	for _, place := range slices.Backward(o) {
		*place.at = place.was
	}
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
