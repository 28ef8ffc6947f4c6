package lint

import (
	"go.starlark.net/resolve"
	"go.starlark.net/syntax"
)

// flow warns about statements that nothing reaches, and functions that must return something and
// may not.
func (c *checker) flow(f *syntax.File) {
	c.block(f.Stmts)
	syntax.Walk(f, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.DefStmt:
			c.block(n.Body)
			if c.rules.MustReturn != nil && c.rules.MustReturn(n) {
				c.returns(n)
			}
		case *syntax.IfStmt:
			c.block(n.True)
			c.block(n.False)
		case *syntax.ForStmt:
			c.block(n.Body)
		case *syntax.WhileStmt:
			c.block(n.Body)
		}
		return true
	})
}

// block warns about what follows a statement after which nothing comes.
func (c *checker) block(stmts []syntax.Stmt) {
	for i, stmt := range stmts {
		if ends(stmt) && i+1 < len(stmts) {
			next, _ := stmts[i+1].Span()
			start, _ := stmt.Span()
			c.warn(next, "nothing comes here: %s in line %d goes elsewhere", verb(stmt), start.Line)
			return
		}
	}
}

func verb(s syntax.Stmt) string {
	switch s := s.(type) {
	case *syntax.ReturnStmt:
		return "return"
	case *syntax.BranchStmt:
		return s.Token.String()
	case *syntax.ExprStmt:
		return "fail"
	case *syntax.WhileStmt:
		return "the loop"
	}
	return "the if"
}

// ends reports whether control never passes from s to what follows it.
func ends(s syntax.Stmt) bool {
	switch s := s.(type) {
	case *syntax.ReturnStmt:
		return true
	case *syntax.BranchStmt:
		return s.Token != syntax.PASS
	case *syntax.ExprStmt:
		call, ok := s.X.(*syntax.CallExpr)
		if !ok {
			return false
		}
		id, ok := call.Fn.(*syntax.Ident)
		return ok && id.Name == "fail" && builtin(id)
	case *syntax.IfStmt:
		return finishes(s.True) && finishes(s.False)
	case *syntax.WhileStmt:
		id, ok := s.Cond.(*syntax.Ident)
		return ok && id.Name == "True" && !breaks(s.Body)
	}
	return false
}

// builtin reports whether a name means what it means in every file.
func builtin(id *syntax.Ident) bool {
	return scope(id) == resolve.Predeclared || scope(id) == resolve.Universal
}

func finishes(stmts []syntax.Stmt) bool {
	for _, s := range stmts {
		if ends(s) {
			return true
		}
	}
	return false
}

// breaks reports whether a break in stmts leaves the loop that they are the body of.
func breaks(stmts []syntax.Stmt) bool {
	for _, s := range stmts {
		switch s := s.(type) {
		case *syntax.BranchStmt:
			if s.Token == syntax.BREAK {
				return true
			}
		case *syntax.IfStmt:
			if breaks(s.True) || breaks(s.False) {
				return true
			}
		}
	}
	return false
}

// returns warns about the ways out of a function that return None.
func (c *checker) returns(def *syntax.DefStmt) {
	if !finishes(def.Body) {
		c.warn(def.Name.NamePos,
			"%s may come to its end without a return, which returns None", def.Name.Name)
	}
	for _, stmt := range def.Body {
		syntax.Walk(stmt, func(n syntax.Node) bool {
			switch n := n.(type) {
			case *syntax.DefStmt:
				return false
			case *syntax.ReturnStmt:
				if id, ok := n.Result.(*syntax.Ident); n.Result == nil || ok && id.Name == "None" {
					c.warn(n.Return, "%s returns None here", def.Name.Name)
				}
			}
			return true
		})
	}
}
