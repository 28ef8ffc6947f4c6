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
	measured = "(operand)"  // what is hashed or compared
	written  = "(written)"  // what is written
	factor   = "(factor)"   // what is multiplied, or multiplies
	repeated = "(repeated)" // what multiplies something brief
	scaled   = "(scaled)"   // what is on the right of *=
	added    = "(added)"    // what is on the left of +
	appended = "(appended)" // what is on the right of +=
	template = "(template)" // what is on the left of %
	haystack = "(searched)" // what is looked through
	owner    = "(receiver)" // what a method is taken of
	text     = "(text)"     // a string that is cut, or in which little is replaced
	called   = "(method)"   // a method that may make much
)

// gauges returns all of them, for steps that have so much room.
func gauges(r room) map[string]gauge {
	return map[string]gauge{
		measured: measures(r.measure), written: measures(r.written), factor: r.multiplied,
		repeated: r.repeated, scaled: r.scaled, added: r.added, appended: r.appended, template: r.template, haystack: r.searched,
		owner: r.received, text: r.text, called: r.growingMethod,
	}
}

// A gauge returns an error for a value that is too large, or else the value, or what stands for it
// before an operator or a dot, which has more to look at. For a script it is a mapping: to look
// something up costs a tenth of a call.
type gauge func(starlark.Value) (starlark.Value, error)

var _ starlark.Mapping = gauge(nil)

// Get returns what the gauge makes of the value.
func (g gauge) Get(v starlark.Value) (starlark.Value, bool, error) {
	v, err := g(v)
	return v, true, err
}

// measures returns a gauge that only looks.
func measures(look func(starlark.Value) error) gauge {
	return func(v starlark.Value) (starlark.Value, error) { return v, look(v) }
}

func (gauge) String() string        { return "<gauge>" }
func (gauge) Type() string          { return "gauge" }
func (gauge) Freeze()               {}
func (gauge) Truth() starlark.Bool  { return starlark.True }
func (gauge) Hash() (uint32, error) { return 0, errors.New("unhashable: gauge") }

// maxBits bounds an int that is multiplied, and what other operators do with one in a step. Ten
// million bits take seconds to multiply.
const maxBits = 1 << 20

// methods are those of the language that hash or compare their arguments.
var methods = []string{
	"add", "count", "difference", "discard", "get", "index", "intersection", "issubset",
	"issuperset", "pop", "remove", "setdefault", "symmetric_difference", "union", "update",
}

// searches are those of them that look through a list.
var searches = []string{"index", "remove"}

// measure is the gauge of what is hashed or compared.
func (r room) measure(v starlark.Value) error {
	switch v.(type) {
	case starlark.String, starlark.Int:
		return nil // they are what most operands are
	case *starlark.List, *starlark.Dict, starlark.Tuple:
	default:
		if n := starlark.Len(v); n > few { // a range holds nothing, and fills a set
			if err := r.fits("set", uint64(n), uint64(entrySize)); err != nil {
				return err
			}
		}
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
	at   *syntax.Expr
	was  syntax.Expr
	undo func() // does more; nil for most
}

// enclose puts the gauges into a tree that is not resolved yet.
func (o *operands) enclose(tree *syntax.File) {
	methodOf := make(map[*syntax.DotExpr]bool)
	syntax.Walk(tree, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.BinaryExpr:
			o.binary(n.Op, &n.X, &n.Y)
		case *syntax.AssignStmt:
			o.augmented(n)
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
			if dot, ok := n.Fn.(*syntax.DotExpr); ok {
				methodOf[dot] = true
				o.method(n, dot)
			}
		case *syntax.DotExpr:
			name := n.Name.Name
			if !methodOf[n] && (slices.Contains(methods, name) || slices.Contains(growing, name)) {
				o.put(owner, &n.X)
			}
		case *syntax.WhileStmt:
			o.loop(n)
		}
		return true
	})
	l := loops{operands: o}
	l.enclose(tree)
}

// method encloses what a method works with.
func (o *operands) method(n *syntax.CallExpr, dot *syntax.DotExpr) {
	switch name := dot.Name.Name; {
	case slices.Contains(cutting, name), name == "replace" && len(n.Args) > 1 && short(n.Args[1]):
		o.wrap(text, &dot.X)
	case slices.Contains(growing, name):
		o.put(called, &n.Fn)
	case slices.Contains(methods, name):
		o.arguments(n.Args)
		if slices.Contains(searches, name) && slices.ContainsFunc(n.Args, large) {
			o.wrap(haystack, &dot.X)
		}
	}
}

// augmented encloses what an operator with an assignment works through. What is on its left cannot
// be enclosed.
func (o *operands) augmented(n *syntax.AssignStmt) {
	switch n.Op {
	case syntax.STAR_EQ:
		const few = 4
		if !short(n.RHS) || number(n.RHS) > few {
			o.put(scaled, &n.RHS)
		}
	case syntax.PLUS_EQ:
		if !short(n.RHS) {
			o.put(appended, &n.RHS)
		}
	case syntax.PERCENT_EQ:
		name, ok := n.LHS.(*syntax.Ident)
		if !ok || number(n.RHS) >= 0 {
			o.wrap(written, &n.RHS)
			return
		}
		// x %= y is x = x % y, for a name.
		was := *n
		*o = append(*o, operand{undo: func() { *n = was }})
		n.Op = syntax.EQ
		n.RHS = &syntax.BinaryExpr{
			X: &syntax.Ident{Name: name.Name, NamePos: name.NamePos}, Op: syntax.PERCENT,
			OpPos: was.OpPos, Y: was.RHS,
		}
	}
}

// binary encloses what an operator works through.
func (o *operands) binary(op syntax.Token, x, y *syntax.Expr) {
	switch op {
	case syntax.STAR:
		o.times(x, y)
	case syntax.PLUS:
		if !short(*x) && !short(*y) {
			o.put(added, x)
		}
	case syntax.PERCENT:
		switch {
		case number(*y) >= 0:
		case plainFormat(*x):
			o.wrap(written, y)
		default:
			o.put(template, x)
		}
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

// times encloses the operands of *. What is brief is large only if it is multiplied often.
func (o *operands) times(x, y *syntax.Expr) {
	switch {
	case short(*x) && short(*y):
		if max(number(*x), number(*y)) > brief {
			o.put(repeated, x)
			o.put(repeated, y)
		}
	case number(*x) >= 0:
		o.put(factor, y)
	case number(*y) >= 0:
		o.put(factor, x)
	case short(*x):
		o.put(repeated, y)
	case short(*y):
		o.put(repeated, x)
	default:
		o.put(factor, x)
		o.put(factor, y)
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
		*o = append(*o, operand{at: &n.Cond, was: n.Cond})
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
	*o = append(*o, operand{at: at, was: was})
	pos, _ := was.Span()
	*at = &syntax.IndexExpr{
		X: &syntax.Ident{Name: gauge, NamePos: pos}, Lbrack: pos, Y: was, Rbrack: pos,
	}
}

// gauged reports whether e is an operand with its gauge.
func gauged(e *syntax.IndexExpr) bool {
	x, ok := e.X.(*syntax.Ident)
	return ok && x.Name[0] == '('
}

// restore makes the tree what it was.
func (o operands) restore() {
	for _, place := range slices.Backward(o) {
		if place.undo != nil {
			place.undo()
			continue
		}
		*place.at = place.was
	}
}
