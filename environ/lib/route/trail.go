package route

import (
	"fmt"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// A trail is the lines of script that have led to the call which made a route, the outermost first.
// A route that a function of the script made is, for its author, where that was called: in the list
// of the router.
type trail []host.Place

// maxTrail is how many lines are kept: of a deeper call the outermost, and the last.
const maxTrail = 8

// trailOf returns the lines that have called the builtin which runs on t.
func trailOf(t *starlark.Thread) trail {
	var all trail
	for i := t.CallStackDepth() - 1; i > 0; i-- {
		p := host.PlaceAt(t.CallFrame(i).Pos)
		switch {
		case p.Line == 0:
		case len(all) == maxTrail:
			all[maxTrail-1] = p
		default:
			all = append(all, p)
		}
	}
	return all
}

// at is the line that stands where another call does that has depth lines: the list of a router, of
// which the router is made.
func (t trail) at(depth int) host.Place {
	if len(t) == 0 {
		return host.Place{}
	}
	return t[min(max(depth, 1), len(t))-1]
}

// last is the line of the call itself.
func (t trail) last() host.Place { return t.at(len(t)) }

// madeAt says of an entry where it was made, if that is another line than that of the list.
func (e *entry) madeAt() string {
	if e.made == e.place {
		return ""
	}
	return fmt.Sprintf(" (made at %s)", e.made)
}
