package template

import (
	"errors"
	"slices"
	"strings"
	"text/template/parse"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// A body is a compiled template.
type body struct {
	name  string
	steps []step
	vars  int // how many variables it has, $ among them
}

// A compiler compiles the templates that one page uses.
type compiler struct {
	trees   map[string]*parse.Tree // escaped
	sources map[string]*source     // by ParseName
	library *library
	bodies  map[string]*body
	made    map[string]*escaper // by what html/template calls them
	found   host.Diagnostics

	// Of the template that is being compiled:
	source *source
	scope  []string // its variables that are in scope, by slot
	vars   int
}

// compile returns the body of a template, which the compiler then knows.
func (c *compiler) compile(name string) *body {
	if b := c.bodies[name]; b != nil {
		return b
	}
	outer := *c
	tree := c.trees[name]
	plain, _, _ := strings.Cut(name, mangled)
	b := &body{name: plain}
	c.bodies[name] = b // before its steps: it may call itself
	c.source, c.scope, c.vars = c.sources[tree.ParseName], []string{"$"}, 1
	b.steps = c.list(tree.Root)
	b.vars = c.vars
	c.source, c.scope, c.vars = outer.source, outer.scope, outer.vars
	return b
}

// fault takes down what is wrong with a node, and stands in for its step or value.
func (c *compiler) fault(n parse.Node, message string) {
	place := host.PlaceAt(c.source.at(n.Position()))
	c.found = append(c.found, host.Diagnostic{Place: place, Message: message})
}

func (c *compiler) at(n parse.Node) syntax.Position { return c.source.at(n.Position()) }

// declare gives a variable a slot.
func (c *compiler) declare(name string) int {
	c.scope = append(c.scope, name)
	c.vars = max(c.vars, len(c.scope))
	return len(c.scope) - 1
}

// slot returns that of a variable, which the parser has seen declared.
func (c *compiler) slot(name string) int {
	for i, have := range slices.Backward(c.scope) {
		if have == name {
			return i
		}
	}
	return 0
}

// list compiles a list of nodes, whose variables are its own.
func (c *compiler) list(list *parse.ListNode) (steps []step) {
	if list == nil {
		return nil
	}
	outer := len(c.scope)
	for _, n := range list.Nodes {
		s := c.step(n)
		if s == nil {
			continue
		}
		steps = append(steps, s)
		if _, leaves := s.(leave); leaves {
			break // what follows is never reached, and html/template has not escaped it
		}
	}
	c.scope = c.scope[:outer]
	return steps
}

func (c *compiler) step(n parse.Node) step {
	switch n := n.(type) {
	case *parse.TextNode:
		if len(n.Text) == 0 {
			return nil
		}
		return text(n.Text)
	case *parse.ActionNode:
		return c.action(n)
	case *parse.IfNode:
		return c.branch(&n.BranchNode, false)
	case *parse.WithNode:
		return c.branch(&n.BranchNode, true)
	case *parse.RangeNode:
		return c.loop(n)
	case *parse.TemplateNode:
		s := &invoke{at: c.at(n), body: c.compile(n.Name), arg: literal{starlark.None}}
		if n.Pipe != nil {
			s.arg = c.pipe(n.Pipe, n.Pipe.Cmds)
		}
		return s
	case *parse.BreakNode:
		return leave{errBreak}
	case *parse.ContinueNode:
		return leave{errContinue}
	case *parse.ListNode:
		return block(c.list(n))
	}
	return nil // a comment
}

// action compiles {{...}}, which writes a value or sets a variable.
func (c *compiler) action(n *parse.ActionNode) step {
	if len(n.Pipe.Decl) > 0 {
		value := c.pipe(n.Pipe, n.Pipe.Cmds)
		return &assign{c.target(n.Pipe), value}
	}
	cmds := n.Pipe.Cmds
	last := len(cmds)
	var names []string
	for last > 0 && isEscaper(cmds[last-1]) {
		last--
		names = append(names, cmds[last].Args[0].(*parse.IdentifierNode).Ident)
	}
	if len(names) == 0 || last == 0 {
		// After a break html/template escapes nothing, because nothing of it is reached.
		return &unescaped{at: c.at(n)}
	}
	slices.Reverse(names)
	chain := strings.Join(names, " ")
	e := c.made[chain]
	if e == nil {
		var err error
		if e, err = newEscaper(names); err != nil {
			c.fault(n, err.Error())
			return nil
		}
		c.made[chain] = e
	}
	return &write{at: c.at(n), value: c.pipe(n.Pipe, cmds[:last]), escaper: e}
}

// isEscaper reports whether a command is an escaper and nothing else: one that html/template has
// put there, or one of its own that it takes for that.
func isEscaper(cmd *parse.CommandNode) bool {
	id, ok := cmd.Args[0].(*parse.IdentifierNode)
	return ok && len(cmd.Args) == 1 &&
		(strings.HasPrefix(id.Ident, escapes) || id.Ident == "html" || id.Ident == "urlquery")
}

// target returns the slot of the variable that a pipeline sets: a new one, or one that is there.
func (c *compiler) target(p *parse.PipeNode) int {
	name := p.Decl[0].Ident[0]
	if p.IsAssign {
		return c.slot(name)
	}
	return c.declare(name)
}

// branch compiles if and with.
func (c *compiler) branch(n *parse.BranchNode, with bool) step {
	outer := len(c.scope)
	s := &branch{with: with, slot: -1, cond: c.pipe(n.Pipe, n.Pipe.Cmds)}
	if len(n.Pipe.Decl) > 0 {
		s.slot = c.target(n.Pipe)
	}
	s.then, s.or = c.list(n.List), c.list(n.ElseList)
	c.scope = c.scope[:outer]
	return s
}

// loop compiles range.
func (c *compiler) loop(n *parse.RangeNode) step {
	outer := len(c.scope)
	s := &loop{at: c.at(n.Pipe), key: -1, value: -1, over: c.pipe(n.Pipe, n.Pipe.Cmds)}
	slots := make([]int, len(n.Pipe.Decl))
	for i, v := range n.Pipe.Decl {
		if n.Pipe.IsAssign {
			slots[i] = c.slot(v.Ident[0])
		} else {
			slots[i] = c.declare(v.Ident[0])
		}
	}
	switch len(slots) {
	case 1:
		s.value = slots[0]
	case 2:
		s.key, s.value = slots[0], slots[1]
	}
	s.body, s.or = c.list(n.List), c.list(n.ElseList)
	c.scope = c.scope[:outer]
	return s
}

// What leaves the body of a loop.
var (
	errBreak    = errors.New("break outside of a range")
	errContinue = errors.New("continue outside of a range")
)
