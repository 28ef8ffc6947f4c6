package runtime

import (
	"fmt"
	"strings"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/resolve"
	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// entry returns the value that a program is called by, the first of names among the globals of
// the root file, or what is wrong with it.
func (g *graph) entry(names []string, globals starlark.StringDict) (starlark.Callable, *host.Diagnostic) {
	for _, name := range names {
		v, ok := globals[name]
		if !ok {
			continue
		}
		if app, ok := v.(starlark.Callable); ok {
			return app, nil
		}
		d := diagnose(g.binding(name).NamePos, "%s is a %s, which cannot be called; make it a function: def %s(environ, start_response)", name, v.Type(), name)
		return nil, &d
	}
	return nil, g.absent(names)
}

// declared says what is wrong with the entry, as far as that shows without running the program.
func (g *graph) declared(names []string) *host.Diagnostic {
	root := g.sources[g.root]
	if root == nil || root.parsed == nil {
		return nil // that is the fault, and reported
	}
	for _, name := range names {
		if g.binding(name) == nil {
			continue
		}
		for _, stmt := range root.parsed.Stmts {
			if def, ok := stmt.(*syntax.DefStmt); ok && def.Name.Name == name {
				return signatureOf(def).fault()
			}
		}
		return nil
	}
	return g.absent(names)
}

// binding is the place where the root file binds the global name, nil if it does not.
func (g *graph) binding(name string) *syntax.Ident {
	for _, b := range g.sources[g.root].parsed.Module.(*resolve.Module).Globals {
		if b.First.Name == name {
			return b.First
		}
	}
	return nil
}

// absent reports that none of names is a global of the root file. A name that the file loads is
// not one: load binds for the file alone.
func (g *graph) absent(names []string) *host.Diagnostic {
	for _, load := range g.sources[g.root].loads() {
		for i, to := range load.To {
			for _, name := range names {
				if to.Name == name {
					d := diagnose(to.NamePos, "%s is loaded, not defined, and a loaded name is the file's own; write load(%s, _%s=%q) and %s = _%s",
						name, load.Module.Raw, name, load.From[i].Name, name, name)
					return &d
				}
			}
		}
	}
	at := syntax.MakePosition(&g.root, 1, 1)
	d := diagnose(at, "no global %s; define it, def %s(environ, start_response), or name another as %s:NAME",
		strings.Join(names, " or "), names[0], g.root)
	return &d
}

// A signature is what decides whether f(a, b) can bind its arguments.
type signature struct {
	name     string
	pos      syntax.Position
	required int    // positional parameters without a default
	accepted int    // positional parameters
	varargs  bool   // has *args
	keyword  string // a keyword-only parameter without a default, if there is one
}

func signatureOf(def *syntax.DefStmt) signature {
	s := signature{name: def.Name.Name, pos: def.Name.NamePos}
	starred := false
	for _, param := range def.Params {
		switch param := param.(type) {
		case *syntax.Ident:
			if starred {
				s.keyword = param.Name
			} else {
				s.required++
				s.accepted++
			}
		case *syntax.BinaryExpr:
			if !starred {
				s.accepted++
			}
		case *syntax.UnaryExpr:
			starred = true
			s.varargs = s.varargs || param.Op == syntax.STAR && param.X != nil
		}
	}
	return s
}

func signatureOfValue(fn *starlark.Function) signature {
	s := signature{name: fn.Name(), pos: fn.Position(), varargs: fn.HasVarargs()}
	named := fn.NumParams()
	if fn.HasVarargs() {
		named--
	}
	if fn.HasKwargs() {
		named--
	}
	s.accepted = named - fn.NumKwonlyParams()
	for i := range named {
		name, _ := fn.Param(i)
		switch required := fn.ParamDefault(i) == nil; {
		case !required:
		case i < s.accepted:
			s.required++
		default:
			s.keyword = name
		}
	}
	return s
}

// fault says why the function cannot be called as an application is.
func (s signature) fault() *host.Diagnostic {
	var problem string
	switch {
	case s.keyword != "":
		problem = fmt.Sprintf("needs the keyword argument %s", s.keyword)
	case s.required > 2:
		problem = fmt.Sprintf("needs %d arguments", s.required)
	case s.accepted < 2 && !s.varargs:
		problem = fmt.Sprintf("takes %d", s.accepted)
	default:
		return nil
	}
	d := diagnose(s.pos, "%s is called with two arguments, (environ, start_response), but %s", s.name, problem)
	return &d
}

// callable says why the entry cannot be called as an application is, as far as its kind tells.
func callable(app starlark.Callable) *host.Diagnostic {
	if fn, ok := app.(*starlark.Function); ok {
		return signatureOfValue(fn).fault()
	}
	return nil
}
