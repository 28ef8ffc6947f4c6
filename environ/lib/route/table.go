package route

import (
	"errors"
	"fmt"

	"github.com/larkspur-web/larkspur/environ"
	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// A table is what becomes a router: all routes and mounts of a list, its groups taken apart.
type table struct {
	thread  *starlark.Thread
	router  *Router
	entries []*entry
	scopes  []*scope // the outer ones first
	ranked  map[string][]*entry
	names   map[string]*entry
	faults  host.Diagnostics
}

// fill adds the elements of a list, which a prefix and a scope are around.
func (b *table) fill(list []starlark.Value, prefix *pattern, around *scope) {
	for _, v := range list {
		switch v := v.(type) {
		case *route:
			b.route(v, prefix, around)
		case *mounted:
			b.mount(v, prefix, around)
		case *group:
			joined, err := prefix.join(v.prefix)
			if err != nil {
				b.fault(v.place, err)
				continue
			}
			inner := around
			if len(v.middleware) > 0 {
				inner = &scope{outer: around, middleware: v.middleware}
				b.scopes = append(b.scopes, inner)
			}
			b.fill(v.routes, joined, inner)
		}
	}
}

func (b *table) route(r *route, prefix *pattern, around *scope) {
	e := &entry{methods: r.methods, name: r.name, place: r.place, scope: around}
	var err error
	if e.pattern, err = prefix.join(r.pattern); err == nil && e.pattern.text == "" {
		err = errors.New(`the pattern is empty: write "/"`)
	}
	if err == nil {
		e.handler, err = newHandler(r.handler, e.pattern)
	}
	if err != nil {
		b.fault(r.place, err)
		return
	}
	b.add(e)
}

func (b *table) mount(m *mounted, prefix *pattern, around *scope) {
	e := &entry{place: m.place, scope: around, mount: m.app, inner: find(m.app)}
	var err error
	if e.pattern, err = prefix.join(m.prefix); err != nil {
		b.fault(m.place, err)
		return
	}
	b.add(e)
}

// add adds an entry, unless another cannot be told from it.
func (b *table) add(e *entry) {
	rank := e.rank()
	for _, other := range b.ranked[rank] {
		if e.clashes(other) {
			b.fault(e.place, fmt.Errorf("%s cannot be told from %s at %s: a request can be for both, "+
				"and neither is the more special", e, other, other.place))
			b.fault(other.place, fmt.Errorf("the other one, %s", other))
			return
		}
	}
	if other := b.names[e.name]; e.name != "" && other != nil {
		b.fault(e.place, fmt.Errorf("the name %q is that of %s at %s too: url_for could not tell "+
			"them apart", e.name, other, other.place))
		b.fault(other.place, fmt.Errorf("the other one, %s", other))
		return
	}
	if e.name != "" {
		b.names[e.name] = e
	}
	b.ranked[rank] = append(b.ranked[rank], e)
	b.entries = append(b.entries, e)
	b.router.root.insert(e)
}

func (b *table) fault(at host.Place, err error) {
	b.faults = append(b.faults, host.Diagnostic{Place: at, Message: environ.Misuse(err).Error()})
}

// wrap calls the middleware of all groups.
func (b *table) wrap() error {
	for _, s := range b.scopes {
		s.app = &chosen{"route.group", b.router}
		for at := s; at != nil; at = at.outer {
			app, err := wrapped(b.thread, at.middleware, s.app)
			if err != nil {
				return err
			}
			s.app = app
		}
	}
	return nil
}
