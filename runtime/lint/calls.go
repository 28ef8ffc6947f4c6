package lint

import (
	"slices"
	"strconv"
	"strings"

	"github.com/larkspur-web/larkspur/runtime/spell"
	"go.starlark.net/syntax"
)

// A signature is what a function takes.
type signature struct {
	names    []string // that may be passed by position
	keywords []string // that may be passed by name only
	nameless []string // those of names that may be passed by position only
	optional map[string]bool
	rest     bool // *args
	extra    bool // **kwargs
}

func signatureOf(def *syntax.DefStmt) signature {
	s := signature{optional: make(map[string]bool)}
	starred := false
	for _, param := range def.Params {
		switch p := param.(type) {
		case *syntax.UnaryExpr:
			starred = true
			s.rest = s.rest || p.Op == syntax.STAR && p.X != nil
			s.extra = s.extra || p.Op == syntax.STARSTAR
			continue
		case *syntax.BinaryExpr:
			s.optional[named(p).Name] = true
		}
		if starred {
			s.keywords = append(s.keywords, named(param).Name)
		} else {
			s.names = append(s.names, named(param).Name)
		}
	}
	return s
}

// calls warns about calls of the file's own functions that cannot bind their arguments.
func (c *checker) calls(f *syntax.File) {
	syntax.Walk(f, func(n syntax.Node) bool {
		call, ok := n.(*syntax.CallExpr)
		if !ok {
			return true
		}
		if id, ok := call.Fn.(*syntax.Ident); ok {
			if def := c.function(id); def != nil {
				c.call(id.Name, id.NamePos, call, signatureOf(def))
			}
		}
		return true
	})
}

// call warns about a call, at pos, of what the script calls fn.
func (c *checker) call(fn string, pos syntax.Position, call *syntax.CallExpr, s signature) {
	given := make(map[string]bool)
	positional, unknown := 0, false // some arguments are only known when it runs
	for _, arg := range call.Args {
		switch arg := arg.(type) {
		case *syntax.UnaryExpr:
			if arg.Op == syntax.STAR || arg.Op == syntax.STARSTAR {
				unknown = true
				continue
			}
		case *syntax.BinaryExpr:
			if name, ok := arg.X.(*syntax.Ident); ok && arg.Op == syntax.EQ {
				c.keyword(fn, name, s, given)
				continue
			}
		}
		if positional < len(s.names) {
			given[s.names[positional]] = true
		}
		positional++
	}
	if positional > len(s.names) && !s.rest {
		takes := count(len(s.names))
		c.warn(pos, "%s takes %s, but is called with %d", fn, takes, positional)
		return
	}
	if unknown {
		return
	}
	var missing []string
	for _, name := range append(s.names[:len(s.names):len(s.names)], s.keywords...) {
		if !given[name] && !s.optional[name] {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		c.warn(pos, "%s is called without its %s", fn, strings.Join(missing, ", "))
	}
}

// keyword looks at an argument that is passed by name.
func (c *checker) keyword(fn string, name *syntax.Ident, s signature, given map[string]bool) {
	all := slices.Concat(s.names, s.keywords)
	switch {
	case slices.Contains(s.nameless, name.Name):
		c.warn(name.NamePos, "%s takes %s by position only", fn, name.Name)
	case !s.extra && !slices.Contains(all, name.Name):
		meant := ""
		if near := spell.Nearest(name.Name, all, 2); near != "" {
			meant = "; did you mean " + near + "?"
		}
		c.warn(name.NamePos, "%s has no parameter %s%s", fn, name.Name, meant)
	case given[name.Name]:
		c.warn(name.NamePos, "%s is given %s twice", fn, name.Name)
	}
	given[name.Name] = true
}

func count(n int) string {
	switch n {
	case 0:
		return "no arguments"
	case 1:
		return "1 argument"
	}
	return strconv.Itoa(n) + " arguments"
}
