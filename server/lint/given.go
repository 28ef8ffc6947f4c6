package lint

import (
	"strings"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// loads are what a file loads from host modules, by the names that it has for them.
type loads struct {
	members map[*syntax.Ident]*host.Member
	wholes  map[*syntax.Ident]*host.Module
	of      map[*host.Member]string // the names of their modules
}

func loadsOf(s *host.Script) loads {
	l := loads{make(map[*syntax.Ident]*host.Member), make(map[*syntax.Ident]*host.Module),
		make(map[*host.Member]string)}
	for _, stmt := range s.Tree.Stmts {
		load, ok := stmt.(*syntax.LoadStmt)
		if !ok {
			continue
		}
		name, ok := strings.CutPrefix(load.ModuleName(), "@")
		m := s.Module(name)
		if !ok || m == nil {
			continue
		}
		for i := range m.Members {
			l.of[&m.Members[i]] = name
		}
		for i, from := range load.From {
			l.members[load.To[i]] = m.Member(from.Name)
			if m.Whole && from.Name == name {
				l.wholes[load.To[i]] = m
			}
		}
	}
	return l
}

// member returns the member of a host module that an expression names: name, or module.name. Nil is
// that of none.
func (l loads) member(e syntax.Expr) *host.Member {
	switch e := e.(type) {
	case *syntax.Ident:
		return l.members[variable(e)]
	case *syntax.DotExpr:
		if id, ok := e.X.(*syntax.Ident); ok {
			return l.wholes[variable(id)].Member(e.Name.Name)
		}
	}
	return nil
}

// given has the member say what is wrong with those arguments that are constant.
func (c *checker) given(m *host.Member, call *syntax.CallExpr) {
	given := make(map[string]starlark.Value)
	for i, arg := range call.Args {
		name := ""
		switch named := arg.(type) {
		case *syntax.UnaryExpr:
			if named.Op == syntax.STAR || named.Op == syntax.STARSTAR {
				return
			}
		case *syntax.BinaryExpr:
			if id, ok := named.X.(*syntax.Ident); ok && named.Op == syntax.EQ {
				name, arg = id.Name, named.Y
			}
		}
		if name == "" {
			if i >= len(m.Params) || m.Params[i].Pass >= host.ByName {
				return
			}
			name = m.Params[i].Name
		}
		given[name] = nil
		if v := c.constants.value(arg); v.exact {
			given[name] = v.Value
		}
	}
	c.check(call, m.Check(given))
}
