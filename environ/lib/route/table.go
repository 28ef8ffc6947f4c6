package route

import (
	"errors"
	"fmt"
	"strings"

	"github.com/larkspur-web/larkspur/environ"
	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// A table is what becomes a router: all routes and mounts of a list, its groups taken apart.
type table struct {
	thread  *starlark.Thread
	depth   int // of the call of router: how many lines have led to it
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
				b.fault(v.trail.at(b.depth), err)
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
	e := &entry{methods: r.methods, name: r.name, scope: around,
		place: r.trail.at(b.depth), made: r.trail.last()}
	var err error
	if e.pattern, err = prefix.join(r.pattern); err == nil && e.pattern.text == "" {
		err = errors.New(`the pattern is empty: write "/"`)
	}
	if err == nil {
		e.handler, err = newHandler(r.handler, e.pattern)
	}
	if err != nil {
		b.fault(e.place, suffixed(err, e))
		return
	}
	b.add(e)
}

func (b *table) mount(m *mounted, prefix *pattern, around *scope) {
	e := &entry{name: m.name, scope: around, mount: m.app, inner: find(m.app),
		place: m.trail.at(b.depth), made: m.trail.last()}
	var err error
	if e.pattern, err = prefix.join(m.prefix); err != nil {
		b.fault(e.place, suffixed(err, e))
		return
	}
	b.add(e)
}

// add adds an entry, unless another cannot be told from it.
func (b *table) add(e *entry) {
	rank := e.rank()
	for _, other := range b.ranked[rank] {
		if e.clashes(other) {
			b.fault(e.place, fmt.Errorf("%s%s cannot be told from %s at %s%s: a request can be for both, "+
				"and neither is the more special", e, e.madeAt(), other, other.place, other.madeAt()))
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

// suffixed adds to the error of an entry where that was made, if its place does not tell. A fix stays
// last.
func suffixed(err error, e *entry) error {
	said := e.madeAt()
	if said == "" {
		return err
	}
	text, fix, ok := strings.Cut(err.Error(), "; write ")
	if ok {
		fix = "; write " + fix
	}
	return errors.New(text + said + fix)
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
