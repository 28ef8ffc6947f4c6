package lint

import (
	"fmt"
	"slices"
	"strings"

	"github.com/larkspur-web/larkspur/environ"
	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// started warns about the ways out of an application on which it has not so much as named
// start_response.
func (c *checker) started(def *syntax.DefStmt) {
	id, _ := def.Params[1].(*syntax.Ident)
	s := &starting{c, def, id.Name}
	s.starts(def.Body, false)
}

// A starting is an application that is looked at, and its name for start_response.
type starting struct {
	*checker
	def  *syntax.DefStmt
	name string
}

// cure says what to write where a value is returned without start_response: a response of @response
// is an application, and only has to be called.
func (s *starting) cure(result syntax.Expr) string {
	if call, ok := result.(*syntax.CallExpr); ok {
		if m := s.loads.member(call.Fn); m != nil && s.loads.of[m] == "response" {
			return fmt.Sprintf("write return %s(...)(%s, %s)", m.Name, s.first(), s.name)
		}
	}
	return `write start_response("200 OK", [("Content-Type", "text/plain")]) before it`
}

// first is the name of the first parameter of the application.
func (s *starting) first() string {
	if id, ok := s.def.Params[0].(*syntax.Ident); ok {
		return id.Name
	}
	return "environ"
}

// starts goes through statements that come after start_response was named, or not. It returns
// whether it may have been when control passes what is behind them, and whether it never does.
func (s *starting) starts(stmts []syntax.Stmt, named bool) (after, ended bool) {
	for _, stmt := range stmts {
		switch stmt := stmt.(type) {
		case *syntax.ReturnStmt:
			if !named && !s.names(stmt) {
				s.warn(stmt.Return, "%v", environ.Errorf(environ.CodeNotStarted, s.cure(stmt.Result),
					"%s returns here without start_response()", s.def.Name.Name))
			}
			return named, true
		case *syntax.IfStmt:
			named = named || s.names(stmt.Cond)
			whenTrue, trueEnds := s.starts(stmt.True, named)
			whenFalse, falseEnds := s.starts(stmt.False, named)
			if trueEnds && falseEnds {
				return named, true
			}
			named = whenTrue && !trueEnds || whenFalse && !falseEnds
		case *syntax.ForStmt:
			s.starts(stmt.Body, named || s.names(stmt))
			named = named || s.names(stmt)
		case *syntax.WhileStmt:
			s.starts(stmt.Body, named || s.names(stmt))
			named = named || s.names(stmt)
		case *syntax.BranchStmt:
			if stmt.Token != syntax.PASS {
				return named, true
			}
		default:
			named = named || s.names(stmt)
		}
	}
	return named, false
}

// names reports whether n has the name of start_response in it: who calls it then cannot be known.
func (s *starting) names(n syntax.Node) (found bool) {
	syntax.Walk(n, func(n syntax.Node) bool {
		id, ok := n.(*syntax.Ident)
		found = found || ok && id.Name == s.name
		return !found
	})
	return found
}

// field looks at environ.NAME, which a dict does not have.
func (c *checker) field(dot *syntax.DotExpr) {
	if !isEnviron(dot.X) || slices.Contains(new(starlark.Dict).AttrNames(), dot.Name.Name) {
		return
	}
	name, hint := dot.Name.Name, ""
	if strings.ToUpper(name) == name {
		hint = "; write environ[\"" + name + "\"]"
	}
	c.warn(dot.Dot, "environ has no .%s field or method%s", name, hint)
}
