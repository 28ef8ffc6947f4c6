package route

import (
	"fmt"
	"slices"
	"strings"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// anyMethod is what a route has that takes every method.
const anyMethod = "*"

// An entry is a route or a mount in the table of a router, with all that its groups say.
type entry struct {
	methods []string // nil for a mount
	pattern *pattern
	name    string
	place   host.Place // in the list of the router
	made    host.Place // where it was made: another line if a function of the script did

	handler *handler          // nil for a mount
	mount   starlark.Callable // nil for a route
	inner   *Router           // in the mount; nil if none shows
	scope   *scope            // with the middleware around it; nil if there is none
	allow   []string          // of an answer to OPTIONS, which has neither
}

// A scope is a group with middleware, or one inside of such a group.
type scope struct {
	outer      *scope
	middleware []starlark.Callable // outermost first
	app        starlark.Callable   // the middleware of all the groups around what the request chose
}

// String writes the entry as its author has.
func (e *entry) String() string {
	switch {
	case e.mount != nil:
		return fmt.Sprintf("mount(%q, %s)", e.pattern.text, nameOf(e.mount))
	case len(e.methods) == 1 && e.methods[0] != anyMethod:
		return fmt.Sprintf("%s(%q, %s)", strings.ToLower(e.methods[0]), e.pattern.text,
			e.handler.name())
	}
	methods := `"` + strings.Join(e.methods, `", "`) + `"` // they are tokens
	return fmt.Sprintf("route([%s], %q, %s)", methods, e.pattern.text, e.handler.name())
}

// before reports whether e is more special than other: whether it is in the first segment in which
// they differ.
func (e *entry) before(other *entry) bool {
	for i := range min(len(e.pattern.segments), len(other.pattern.segments)) {
		a, b := e.pattern.segments[i], other.pattern.segments[i]
		if (a.rank == nil) != (b.rank == nil) {
			return a.rank == nil
		}
		if c := a.compare(b); c != 0 {
			return c < 0
		}
	}
	return len(e.pattern.segments) > len(other.pattern.segments) // a mount takes what is left
}

// rank writes what decides between patterns: two that have the same take the same, unless the
// expressions of their segments differ.
func (e *entry) rank() string {
	var b strings.Builder
	for _, s := range e.pattern.segments {
		if s.rank == nil {
			fmt.Fprintf(&b, "/%s", s.literal)
		} else {
			fmt.Fprintf(&b, "/{%v", s.rank)
		}
	}
	if e.mount != nil {
		b.WriteString("\x00mount")
	}
	return b.String()
}

// clashes reports whether there is a request that e and other, which have the same rank, both take.
func (e *entry) clashes(other *entry) bool {
	common := func(m string) bool { return slices.Contains(other.methods, m) }
	if e.mount == nil && !slices.ContainsFunc(e.methods, common) {
		return false
	}
	for i, s := range e.pattern.segments {
		if !s.overlaps(other.pattern.segments[i]) {
			return false
		}
	}
	return true
}

// nameOf is what messages call a callable.
func nameOf(c starlark.Callable) string {
	if fn, ok := c.(*starlark.Function); ok && fn.Name() == "lambda" {
		return "lambda"
	}
	return c.Name()
}
