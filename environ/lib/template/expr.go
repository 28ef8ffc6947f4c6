package template

import (
	"fmt"
	"math/big"
	"text/template/parse"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// An expr is a compiled value. String is how it is written in the template.
type expr interface {
	eval(x *run) (starlark.Value, error)
	String() string
}

// literal is a constant.
type literal struct{ v starlark.Value }

func (e literal) eval(*run) (starlark.Value, error) { return e.v, nil }
func (e literal) String() string                    { return e.v.String() }

// dot is {{.}}.
type dot struct{}

func (dot) eval(x *run) (starlark.Value, error) { return x.dot, nil }
func (dot) String() string                      { return "." }

// variable is {{$name}}.
type variable struct {
	name string
	slot int
}

func (e *variable) eval(x *run) (starlark.Value, error) { return x.vars[x.base+e.slot], nil }
func (e *variable) String() string                      { return e.name }

// field is an item or an attribute, {{.name}}.
type field struct {
	at   syntax.Position
	of   expr
	name starlark.Value // a string
	// called says that arguments follow: what the field is is then called with them.
	called bool
}

func (e *field) String() string {
	name := "." + string(e.name.(starlark.String))
	if _, ok := e.of.(dot); ok {
		return name
	}
	return e.of.String() + name
}

func (e *field) eval(x *run) (starlark.Value, error) {
	of, err := e.of.eval(x)
	if err != nil {
		return nil, err
	}
	// What most fields are, without more ado.
	if d, ok := of.(*starlark.Dict); ok {
		if v, ok, _ := d.Get(e.name); ok {
			return v, nil
		}
	}
	v, err := attribute(of, e.name.(starlark.String))
	if err == nil && v == nil {
		err = e.missing(of)
	}
	if err != nil {
		return nil, x.fail(e.at, err)
	}
	if method, ok := v.(*starlark.Builtin); ok && method.Receiver() != nil && !e.called {
		return x.call(e.at, method, nil, nil) // as html/template does
	}
	return v, nil
}

// apply calls a function of the script.
type apply struct {
	at   syntax.Position
	fn   expr
	args []expr
}

func (e *apply) String() string { return e.fn.String() }

func (e *apply) eval(x *run) (starlark.Value, error) {
	fn, err := e.fn.eval(x)
	if err != nil {
		return nil, err
	}
	if _, ok := fn.(starlark.Callable); !ok {
		return nil, x.fail(e.at, fmt.Errorf(
			"%s is %s, not a function: it takes no arguments", e.fn, fn.Type()))
	}
	args, err := x.evalAll(e.args)
	if err != nil {
		return nil, err
	}
	return x.call(e.at, fn, args, nil)
}

// use calls a function of templates.
type use struct {
	at   syntax.Position
	name string
	fn   function
	args []expr
}

func (e *use) String() string { return e.name }

func (e *use) eval(x *run) (starlark.Value, error) {
	args, err := x.evalAll(e.args)
	if err != nil {
		return nil, err
	}
	x.at = e.at
	v, err := e.fn(x, args)
	if err != nil {
		return nil, x.fail(e.at, named(e.name, err))
	}
	return v, nil
}

func (x *run) evalAll(exprs []expr) (starlark.Tuple, error) {
	args := make(starlark.Tuple, len(exprs))
	for i, e := range exprs {
		var err error
		if args[i], err = e.eval(x); err != nil {
			return nil, err
		}
	}
	return args, nil
}

// choice is and, or or: what follows is evaluated only if it decides.
type choice struct {
	until starlark.Bool // what decides: False for and
	args  []expr
}

func (e *choice) String() string {
	if e.until {
		return "or"
	}
	return "and"
}

func (e *choice) eval(x *run) (v starlark.Value, err error) {
	for _, arg := range e.args {
		if v, err = arg.eval(x); err != nil || v.Truth() == e.until {
			break
		}
	}
	return v, err
}

// pipe compiles the commands of a pipeline.
func (c *compiler) pipe(n parse.Node, cmds []*parse.CommandNode) expr {
	var value expr
	for _, cmd := range cmds {
		value = c.command(cmd, value)
	}
	if value == nil {
		c.fault(n, "there is no value")
		return literal{starlark.None}
	}
	return value
}

// command compiles one command, whose last argument is what the one before it gives.
func (c *compiler) command(cmd *parse.CommandNode, last expr) expr {
	var args []expr
	for _, n := range cmd.Args[1:] {
		args = append(args, c.operand(n, false))
	}
	if last != nil {
		args = append(args, last)
	}
	first := cmd.Args[0]
	if id, ok := first.(*parse.IdentifierNode); ok {
		return c.function(id, args)
	}
	value := c.operand(first, len(args) > 0)
	if len(args) == 0 {
		return value
	}
	if l, ok := value.(literal); ok {
		c.fault(first, fmt.Sprintf("%s is not a function: it takes no arguments", l))
	}
	return &apply{c.at(cmd), value, args}
}

// operand compiles what may be an argument. It is called if arguments follow.
func (c *compiler) operand(n parse.Node, called bool) expr {
	switch n := n.(type) {
	case *parse.DotNode:
		return dot{}
	case *parse.NilNode:
		return literal{starlark.None}
	case *parse.BoolNode:
		return literal{starlark.Bool(n.True)}
	case *parse.StringNode:
		return literal{starlark.String(n.Text)}
	case *parse.NumberNode:
		return c.number(n)
	case *parse.FieldNode:
		return c.fields(n, dot{}, n.Ident, called)
	case *parse.ChainNode:
		return c.fields(n, c.operand(n.Node, false), n.Field, called)
	case *parse.VariableNode:
		v := &variable{n.Ident[0], c.slot(n.Ident[0])}
		return c.fields(n, v, n.Ident[1:], called)
	case *parse.IdentifierNode:
		return c.function(n, nil)
	case *parse.PipeNode:
		if len(n.Decl) > 0 {
			c.fault(n, "a variable cannot be set in parentheses")
		}
		return c.pipe(n, n.Cmds)
	}
	c.fault(n, "this cannot be a value: "+n.String())
	return literal{starlark.None}
}

func (c *compiler) fields(n parse.Node, of expr, names []string, called bool) expr {
	for i, name := range names {
		last := i == len(names)-1
		of = &field{c.at(n), of, starlark.String(name), called && last}
	}
	return of
}

func (c *compiler) number(n *parse.NumberNode) expr {
	switch big, ok := new(big.Int).SetString(n.Text, 0); {
	case n.IsInt:
		return literal{starlark.MakeInt64(n.Int64)}
	case n.IsUint:
		return literal{starlark.MakeUint64(n.Uint64)}
	case ok:
		return literal{starlark.MakeBigInt(big)}
	case n.IsFloat:
		return literal{starlark.Float(n.Float64)}
	}
	c.fault(n, n.Text+" is not a number of Starlark")
	return literal{starlark.None}
}
