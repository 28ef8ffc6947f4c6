package route

import (
	"strings"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// A Row is a route, or a mount, of an application, as a table for people shows it.
type Row struct {
	// Methods are those of the route; ["*"] of one for all methods, and of a mount.
	Methods []string `json:"methods"`
	// Pattern is the whole path, with the prefixes of groups and mounts.
	Pattern string `json:"pattern"`
	// Name is what url_for calls it, "" for none.
	Name string `json:"name,omitempty"`
	// Handler is the name of the function, or of the application that is mounted.
	Handler string `json:"handler"`
	// Mount says that the handler is an application that is no router: what it answers is not known.
	Mount bool `json:"mount,omitempty"`
	// Middleware is what is around it, the outermost first.
	Middleware []string `json:"middleware,omitempty"`
	// Place is where in the script it stands: in the list of the router.
	Place host.Place `json:"place"`
}

// Rows returns the routes of an application, in the order in which they are written, and whether it
// has a router: whether it is one, or middleware that tells what it wraps, as @middleware, @session
// and functions of a script do.
func Rows(app starlark.Value) (rows []Row, ok bool) {
	return rowsOf(app, "", nil, 0)
}

// maxNesting is how many routers may be mounted in one another, and how much middleware may be
// around one.
const maxNesting = 50

func rowsOf(app starlark.Value, prefix string, around []string, depth int) ([]Row, bool) {
	r, outer := unwrap(app)
	if r == nil || depth > maxNesting {
		return nil, false
	}
	around = append(around[:len(around):len(around)], outer...)
	around = append(around, names(r.middleware)...)
	rows := []Row{}
	for _, e := range r.entries {
		inside := append(around[:len(around):len(around)], e.scope.names()...)
		pattern := prefix + e.pattern.text
		if e.mount == nil {
			rows = append(rows, Row{e.methods, pattern, e.name, e.handler.name(), false, inside,
				e.place})
			continue
		}
		if inner, ok := rowsOf(e.mount, pattern, inside, depth+1); ok {
			rows = append(rows, inner...)
			continue
		}
		rows = append(rows, Row{[]string{anyMethod}, strings.TrimSuffix(pattern, "/") + "/", e.name,
			nameOf(e.mount), true, inside, e.place})
	}
	return rows, true
}

// names are those of the middleware of a scope and of the scopes around it, the outermost first.
func (s *scope) names() []string {
	if s == nil {
		return nil
	}
	return append(s.outer.names(), names(s.middleware)...)
}

func names(middleware []starlark.Callable) []string {
	var all []string
	for _, m := range middleware {
		all = append(all, nameOf(m))
	}
	return all
}

// find returns the router in an application, nil if none shows.
func find(app starlark.Value) *Router {
	r, _ := unwrap(app)
	return r
}

// unwrap returns the router in an application, nil if none shows, and the names of what is around
// it, the outermost first.
func unwrap(app starlark.Value) (*Router, []string) {
	return unwrapped(app, make(map[starlark.Value]bool))
}

func unwrapped(app starlark.Value, seen map[starlark.Value]bool) (*Router, []string) {
	var inner []starlark.Value
	switch v := app.(type) {
	case *Router:
		return v, nil
	case host.Wrapper:
		inner = append(inner, v.Wrapped())
	case *starlark.Function:
		// Middleware of a script is a function in which the application is a variable of the one
		// around.
		for i := range v.NumFreeVars() {
			_, free := v.FreeVar(i)
			inner = append(inner, free)
		}
	default:
		return nil, nil
	}
	if seen[app] || len(seen) > maxNesting {
		return nil, nil
	}
	seen[app] = true
	for _, v := range inner {
		if r, around := unwrapped(v, seen); r != nil {
			return r, append([]string{nameOf(app.(starlark.Callable))}, around...)
		}
	}
	return nil, nil
}
