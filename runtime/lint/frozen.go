package lint

import (
	"slices"

	"github.com/larkspur-web/larkspur/runtime/habit"
	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/resolve"
	"go.starlark.net/syntax"
)

// A freezer looks for functions that change a global, which is frozen when they are called: unless
// the top level calls them, as far as names tell, while the file is loaded.
type freezer struct {
	*checker
	script  *host.Script
	made    map[*syntax.Ident]string // what globals are: "list" or "hash table"
	globals map[string]bool
}

func (c *checker) frozen(s *host.Script) {
	f := s.Tree
	z := &freezer{checker: c, script: s, made: containers(f), globals: make(map[string]bool)}
	for _, b := range f.Module.(*resolve.Module).Globals {
		z.globals[b.First.Name] = true
	}
	loading := whileLoading(f)
	syntax.Walk(f, func(n syntax.Node) bool {
		def, ok := n.(*syntax.DefStmt)
		if !ok {
			return true
		}
		if loading[def.Name.Name] {
			return false
		}
		for _, stmt := range def.Body {
			syntax.Walk(stmt, func(n syntax.Node) bool {
				z.change(n)
				_, inner := n.(*syntax.DefStmt)
				return !inner
			})
		}
		z.unassigned(def)
		return true
	})
}

// whileLoading are the names that the top level uses, and those that functions of such a name use.
func whileLoading(f *syntax.File) map[string]bool {
	used := make(map[string]bool)
	bodies := make(map[string]*syntax.DefStmt)
	var use func(n syntax.Node)
	use = func(n syntax.Node) {
		syntax.Walk(n, func(n syntax.Node) bool {
			if id, ok := n.(*syntax.Ident); ok && !used[id.Name] {
				used[id.Name] = true
				if def := bodies[id.Name]; def != nil {
					for _, stmt := range def.Body {
						use(stmt)
					}
				}
			}
			return true
		})
	}
	syntax.Walk(f, func(n syntax.Node) bool {
		if def, ok := n.(*syntax.DefStmt); ok {
			bodies[def.Name.Name] = def
		}
		return true
	})
	for _, stmt := range f.Stmts {
		switch stmt := stmt.(type) {
		case *syntax.DefStmt:
			for _, p := range stmt.Params {
				use(p)
			}
		case *syntax.LoadStmt:
		default:
			use(stmt)
		}
	}
	return used
}

// mutators are the methods that change a list, a dict or a set.
var mutators = []string{"add", "append", "clear", "discard", "extend", "insert", "pop", "popitem",
	"remove", "setdefault", "update"}

// change warns about a statement or a call that changes a global.
func (z *freezer) change(n syntax.Node) {
	switch n := n.(type) {
	case *syntax.CallExpr:
		dot, ok := n.Fn.(*syntax.DotExpr)
		if !ok || !slices.Contains(mutators, dot.Name.Name) {
			return
		}
		if kind := z.container(dot.X); kind != "" {
			z.habit(n.Lparen, dot.Name.Name+": cannot change frozen "+kind)
		}
	case *syntax.AssignStmt:
		if index, ok := n.LHS.(*syntax.IndexExpr); ok {
			if kind := z.container(index.X); kind != "" {
				z.habit(index.Lbrack, "cannot insert into frozen "+kind)
			}
		}
	}
}

// habit warns in the words in which the interpreter would report the error.
func (z *freezer) habit(pos syntax.Position, message string) {
	z.warn(pos, "%s", habit.Failed(z.script.Tree, z.script.Source, pos, message))
}

// container returns what a global is that an expression begins with, if it is only ever bound to
// one that is written in the file: "list" or "hash table"; else "".
func (z *freezer) container(e syntax.Expr) string {
	for {
		if index, ok := e.(*syntax.IndexExpr); ok {
			e = index.X
			continue
		}
		break
	}
	id, ok := e.(*syntax.Ident)
	if !ok || scope(id) != resolve.Global {
		return ""
	}
	return z.made[variable(id)]
}

// containers returns the globals that are bound to a list, a dict or a set.
func containers(f *syntax.File) map[*syntax.Ident]string {
	made := make(map[*syntax.Ident]string)
	for _, stmt := range f.Stmts {
		assign, ok := stmt.(*syntax.AssignStmt)
		if !ok || assign.Op != syntax.EQ {
			continue
		}
		id, ok := assign.LHS.(*syntax.Ident)
		if !ok {
			continue
		}
		switch e := assign.RHS.(type) {
		case *syntax.ListExpr:
			made[variable(id)] = "list"
		case *syntax.DictExpr:
			made[variable(id)] = "hash table"
		case *syntax.Comprehension:
			made[variable(id)] = map[bool]string{false: "list", true: "hash table"}[e.Curly]
		case *syntax.CallExpr:
			fn, ok := e.Fn.(*syntax.Ident)
			if !ok || !builtin(fn) {
				continue
			}
			switch fn.Name {
			case "list", "sorted":
				made[variable(id)] = "list"
			case "dict", "set":
				made[variable(id)] = "hash table"
			}
		}
	}
	return made
}

// unassigned warns about a variable of a function that has the name of a global and is used before
// the function assigns it, as in n += 1.
func (z *freezer) unassigned(def *syntax.DefStmt) {
	fn, ok := def.Function.(*resolve.Function)
	if !ok {
		return
	}
	for _, local := range fn.Locals {
		v := local.First
		if !z.globals[v.Name] || len(z.uses[v]) == 0 {
			continue
		}
		use := z.uses[v][0]
		switch binds := z.binds[v]; {
		case len(binds) == 0: // n += 1 alone
		case binds[0].how != assigned || use.NamePos.Line >= v.NamePos.Line || loops(def):
			continue
		}
		z.habit(use.NamePos, "local variable "+v.Name+" referenced before assignment")
	}
}

// loops reports whether there is a loop in a function: what stands further down may come before.
func loops(def *syntax.DefStmt) (found bool) {
	for _, stmt := range def.Body {
		syntax.Walk(stmt, func(n syntax.Node) bool {
			switch n.(type) {
			case *syntax.ForStmt, *syntax.WhileStmt:
				found = true
			}
			return !found
		})
	}
	return found
}
