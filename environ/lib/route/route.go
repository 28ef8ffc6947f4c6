// Package route is the host module @route: which function answers which request. [Module] describes
// it.
//
// # The model
//
// get("/notes/{id:int}", show) makes a route, a value; router([...]) makes of routes an application,
// which may be mounted, wrapped, and called as any other. A handler is called with environ and, by
// name, with what its pattern matched, and returns an application, which the router calls. Nothing
// is registered anywhere.
//
// A [pattern] is parsed into [segment]s. When a router is made, at load, its routes, groups and
// mounts become a flat table of [entry] values, which is checked whole: handlers have the parameters
// that their patterns name, and of two entries one is the more special, whatever the order. The
// table is a tree of [node]s by segments, immutable from then on and shared by concurrent requests;
// a [search] in it is bounded by the number of routes, and allocates nothing.
//
// Routers work on PATH_INFO, as those of werkzeug and bottle do: on the decoded path, in which %2F
// is a slash, and which middleware may have changed.
package route

import (
	"github.com/larkspur-web/larkspur/environ"
	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// Module describes @route. What it makes is immutable.
func Module() *host.Module {
	members := []host.Member{routerMember()}
	for _, method := range []string{"get", "post", "put", "patch", "delete", "head", "options"} {
		members = append(members, methodMember(method))
	}
	return &host.Module{
		Name: "route",
		Doc:  "Which function answers which request, and the URLs of what can be asked for.",
		Members: append(members, routeMember(), groupMember(), mountMember(),
			urlForMember()),
		Whole:  true,
		Misuse: environ.Misuse,
		Open:   func(l *host.Load) (any, error) { return l, nil },
	}
}

// A route is what get and the like make.
type route struct {
	host.Object
	methods []string
	pattern *pattern
	handler starlark.Callable
	name    string
	trail   trail
}

// Freeze freezes the handler.
func (r *route) Freeze() { r.handler.Freeze() }

// A group is routes behind a common prefix.
type group struct {
	host.Object
	prefix     *pattern
	routes     []starlark.Value
	middleware []starlark.Callable
	trail      trail
}

// Freeze freezes what is in the group.
func (g *group) Freeze() {
	for _, v := range g.routes {
		v.Freeze()
	}
	for _, m := range g.middleware {
		m.Freeze()
	}
}

// A mounted is an application behind a prefix.
type mounted struct {
	host.Object
	prefix *pattern
	app    starlark.Callable
	name   string
	trail  trail
}

// Freeze freezes the application.
func (m *mounted) Freeze() { m.app.Freeze() }
