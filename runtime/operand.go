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
	measured = "(operand)"  // what is hashed, compared or written
	factor   = "(factor)"   // what is multiplied
	haystack = "(searched)" // what is looked through
	owner    = "(receiver)" // what a method is taken of
)

// gauges are the names of all.
var gauges = []string{measured, factor, haystack, owner}

// A gauge returns an error for a value that is too large. For a script it is a mapping of each
// value to itself: to look that up costs a tenth of a call.
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

// searches are those of them that look through a list.
var searches = []string{"index", "remove"}

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
	called := make(map[*syntax.DotExpr]bool)
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
				called[dot] = true
				o.arguments(n.Args)
				if slices.Contains(searches, dot.Name.Name) && slices.ContainsFunc(n.Args, large) {
					o.wrap(haystack, &dot.X)
				}
			}
		case *syntax.DotExpr:
			if !called[n] && slices.Contains(methods, n.Name.Name) {
				o.put(owner, &n.X)
			}
		case *syntax.WhileStmt:
			o.loop(n)
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
		if !small(*y) && !small(*x) {
			o.wrap(haystack, y)
		}
		o.wrap(measured, x)
	}
}

// loop gives while True a place: a loop whose instructions have none would seem to be where its def
// is.
func (o *operands) loop(n *syntax.WhileStmt) {
	cond := n.Cond
	for {
		paren, ok := cond.(*syntax.ParenExpr)
		if !ok {
			break
		}
		cond = paren.X
	}
	name, _ := cond.(*syntax.Ident)
	number, _ := cond.(*syntax.Literal)
	if name != nil && name.Name == "True" || number != nil && number.Value == int64(1) {
		*o = append(*o, operand{&n.Cond, n.Cond})
		n.Cond = &syntax.BinaryExpr{X: cond, Op: syntax.EQL, OpPos: n.While, Y: cond}
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
	if !small(*at) {
		o.put(gauge, at)
	}
}

// put puts a gauge before any expression.
func (o *operands) put(gauge string, at *syntax.Expr) {
	was := *at
	*o = append(*o, operand{at, was})
	pos, _ := was.Span()
	*at = &syntax.IndexExpr{
		X: &syntax.Ident{Name: gauge, NamePos: pos}, Lbrack: pos, Y: was, Rbrack: pos,
	}
}

// gauged reports whether e is an operand with its gauge.
func gauged(e *syntax.IndexExpr) bool {
	x, ok := e.X.(*syntax.Ident)
	return ok && slices.Contains(gauges, x.Name)
}

// restore makes the tree what it was.
func (o operands) restore() {
	for _, place := range slices.Backward(o) {
		*place.at = place.was
	}
}
