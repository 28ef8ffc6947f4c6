package lint

import (
	"strconv"
	"strings"

	"go.starlark.net/syntax"
)

// A signature is what a function takes.
type signature struct {
	names    []string // that may be passed by position
	keywords []string // that may be passed by name only
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
				c.call(id, call, signatureOf(def))
			}
		}
		return true
	})
}

func (c *checker) call(id *syntax.Ident, call *syntax.CallExpr, s signature) {
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
				c.keyword(id, name, s, given)
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
		c.warn(id.NamePos, "%s takes %s, but is called with %d", id.Name, takes, positional)
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
		c.warn(id.NamePos, "%s is called without its %s", id.Name, strings.Join(missing, ", "))
	}
}

// keyword looks at an argument that is passed by name.
func (c *checker) keyword(fn, name *syntax.Ident, s signature, given map[string]bool) {
	known := s.extra
	for _, n := range append(s.names[:len(s.names):len(s.names)], s.keywords...) {
		known = known || n == name.Name
	}
	switch {
	case !known:
		c.warn(name.NamePos, "%s has no parameter %s", fn.Name, name.Name)
	case given[name.Name]:
		c.warn(name.NamePos, "%s is given %s twice", fn.Name, name.Name)
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
