package runtime

import (
	"errors"
	"fmt"
	"slices"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// An operator runs in one step, in which nothing can stop it. So what is hashed, compared, written
// or multiplied passes a gauge first, which refuses what is too large: a file is compiled with
// "gauge[x]" in the place of such an operand x. Those that are small by what stands there are
// left: a literal, say. No script can write the names of the gauges.
const (
	measured = "(operand)" // what is hashed, compared or written
	factor   = "(factor)"  // what is multiplied
)

// A gauge returns an error for a value that is too large. For a script it is a mapping of each value
// to itself: to look that up costs a tenth of a call.
type gauge func(starlark.Value) error

var _ starlark.Mapping = gauge(nil)

// Get returns the value, if it is not too large.
func (g gauge) Get(v starlark.Value) (starlark.Value, bool, error) { return v, true, g(v) }

func (gauge) String() string        { return "<gauge>" }
func (gauge) Type() string          { return "gauge" }
func (gauge) Freeze()               {}
func (gauge) Truth() starlark.Bool  { return starlark.True }
func (gauge) Hash() (uint32, error) { return 0, errors.New("unhashable: gauge") }

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

// measure is the gauge of what is hashed, compared or written.
func measure(v starlark.Value) error {
	switch v.(type) {
	case starlark.String, starlark.Int:
		return nil // they are what most operands are
	}
	if err := host.Measure(v, host.MaxSize); err != nil {
		return fmt.Errorf("%w: too large to hash, compare or write", err)
	}
	return nil
}

// multiply is the gauge of what is multiplied.
func multiply(v starlark.Value) error {
	i, ok := v.(starlark.Int)
	if !ok {
		return nil
	}
	if _, ok := i.Int64(); ok {
		return nil
	}
	if bits := i.BigInt().BitLen(); bits > maxBits {
		return fmt.Errorf("int of %d bits is too large to multiply", bits)
	}
	return nil
}

// An operands puts gauges before the operands of a file, and takes them away again.
type operands []operand

// An operand is a place in a tree, and what stood there.
type operand struct {
	at  *syntax.Expr
	was syntax.Expr
}

// enclose puts the gauges into a tree that is not resolved yet.
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
			if !gauged(n) {
				o.wrap(measured, &n.Y)
			}
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

// wrap puts a gauge before an expression that may be large.
func (o *operands) wrap(gauge string, at *syntax.Expr) {
	was := *at
	if small(was) {
		return
	}
	*o = append(*o, operand{at, was})
	pos, _ := was.Span()
	*at = &syntax.IndexExpr{
		X: &syntax.Ident{Name: gauge, NamePos: pos}, Lbrack: pos, Y: was, Rbrack: pos,
	}
}

// gauged reports whether e is an operand with its gauge.
func gauged(e *syntax.IndexExpr) bool {
	x, ok := e.X.(*syntax.Ident)
	return ok && (x.Name == measured || x.Name == factor)
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
