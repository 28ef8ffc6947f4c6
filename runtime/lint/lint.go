// Package lint warns about code that compiles and looks wrong: names that nothing uses or that hide
// others, statements that nothing reaches, calls that cannot bind their arguments, whether the
// script defines the function or a host module describes it, texts that are put together where that is
// dangerous. It is meant to be right whenever it
// speaks; what it cannot know it passes over.
//
// [Run] checks a program by rules; [Rules.Check] has those of the language, and who knows more of
// what a script does adds rules of its own.
package lint

import (
	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/resolve"
	"go.starlark.net/syntax"
)

// Rules are what a host adds to the rules of the language. The zero value adds nothing.
type Rules struct {
	// Builtin reports whether a name means something without a load. Nil means that none does.
	Builtin func(name string) bool
	// MustReturn reports whether a function must return something other than None. Nil means that
	// none must.
	MustReturn func(*syntax.DefStmt) bool
}

// Check looks at a file.
func (r Rules) Check(s *host.Script) {
	f := s.Tree
	c := &checker{
		rules: r, warn: s.Warn,
		binds:  make(map[*syntax.Ident][]binder),
		uses:   make(map[*syntax.Ident][]*syntax.Ident),
		called: make(map[*syntax.Ident]bool),
	}
	c.bindings(f)
	c.references(f)
	c.unused()
	c.shadows(f)
	c.calls(f)
	c.described(s)
	c.flow(f)
	c.frozen(s)
}

// A checker looks at one file. A variable is known by the first identifier that binds it.
type checker struct {
	rules  Rules
	warn   func(pos syntax.Position, format string, args ...any)
	order  []binder
	binds  map[*syntax.Ident][]binder
	uses   map[*syntax.Ident][]*syntax.Ident
	called map[*syntax.Ident]bool // the uses that are calls
}

// A binder is a place that binds a variable.
type binder struct {
	id  *syntax.Ident
	how how
	def *syntax.DefStmt // that it names, or is a parameter of
}

type how byte

const (
	assigned  how = iota
	unpacked      // by an assignment to several, or a loop
	loaded        // by load
	defined       // by def
	parameter     // of def
	lambda        // a parameter of one
)

// variable returns what identifies the variable that id means, nil if it is none of the file's.
func variable(id *syntax.Ident) *syntax.Ident {
	if b, ok := id.Binding.(*resolve.Binding); ok {
		return b.First
	}
	return nil
}

func scope(id *syntax.Ident) resolve.Scope {
	if b, ok := id.Binding.(*resolve.Binding); ok {
		return b.Scope
	}
	return resolve.Undefined
}

// bindings collects the places that bind.
func (c *checker) bindings(f *syntax.File) {
	syntax.Walk(f, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.AssignStmt:
			if n.Op == syntax.EQ {
				c.target(n.LHS, assigned)
			}
		case *syntax.ForStmt:
			c.target(n.Vars, unpacked)
		case *syntax.ForClause:
			c.target(n.Vars, unpacked)
		case *syntax.LoadStmt:
			for _, to := range n.To {
				c.bind(to, loaded, nil)
			}
		case *syntax.DefStmt:
			c.bind(n.Name, defined, n)
			c.params(n.Params, parameter, n)
		case *syntax.LambdaExpr:
			c.params(n.Params, lambda, nil)
		}
		return true
	})
}

func (c *checker) bind(id *syntax.Ident, h how, def *syntax.DefStmt) {
	if v := variable(id); v != nil {
		b := binder{id, h, def}
		c.order = append(c.order, b)
		c.binds[v] = append(c.binds[v], b)
	}
}

func (c *checker) target(e syntax.Expr, h how) {
	switch e := e.(type) {
	case *syntax.Ident:
		c.bind(e, h, nil)
	case *syntax.ParenExpr:
		c.target(e.X, h)
	case *syntax.TupleExpr:
		for _, x := range e.List {
			c.target(x, unpacked)
		}
	case *syntax.ListExpr:
		for _, x := range e.List {
			c.target(x, unpacked)
		}
	}
}

func (c *checker) params(params []syntax.Expr, h how, def *syntax.DefStmt) {
	for _, p := range params {
		if id := named(p); id != nil {
			c.bind(id, h, def)
		}
	}
}

// named is the identifier of a parameter, nil for a star alone.
func named(param syntax.Expr) *syntax.Ident {
	switch p := param.(type) {
	case *syntax.BinaryExpr:
		param = p.X
	case *syntax.UnaryExpr:
		param = p.X
	}
	id, _ := param.(*syntax.Ident)
	return id
}

// references collects the places that use what is bound.
func (c *checker) references(f *syntax.File) {
	binding := make(map[*syntax.Ident]bool, len(c.order))
	for _, b := range c.order {
		binding[b.id] = true
	}
	syntax.Walk(f, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.CallExpr:
			if id, ok := n.Fn.(*syntax.Ident); ok {
				c.called[id] = true
			}
		case *syntax.Ident:
			if v := variable(n); v != nil && !binding[n] {
				c.uses[v] = append(c.uses[v], n)
			}
		}
		return true
	})
}

// function returns the function that a name means, if that is all it ever means.
func (c *checker) function(id *syntax.Ident) *syntax.DefStmt {
	v := variable(id)
	if v == nil || len(c.binds[v]) != 1 || c.binds[v][0].how != defined {
		return nil
	}
	return c.binds[v][0].def
}
