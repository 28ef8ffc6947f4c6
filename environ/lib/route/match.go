package route

import (
	"github.com/larkspur-web/larkspur/environ"
	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// The keys of the environ, as values: boxing a string costs an allocation.
var (
	keyMethod starlark.Value = starlark.String("REQUEST_METHOD")
	keyScript starlark.Value = starlark.String("SCRIPT_NAME")
	keyPath   starlark.Value = starlark.String("PATH_INFO")
	keyQuery  starlark.Value = starlark.String("QUERY_STRING")
	keyID     starlark.Value = starlark.String("larkspur.request_id")
	keyArgs   starlark.Value = starlark.String("wsgiorg.routing_args")
	keyRoute  starlark.Value = starlark.String("larkspur.route")
)

// A match is what a router found for a request: environ["larkspur.route"]. It belongs to the
// request.
type match struct {
	host.Object
	router *Router
	outer  *match // of the router in which this one is mounted
	script string // SCRIPT_NAME when the router was called
	entry  *entry
	values []string // of the parameters, as they are in the path

	// Room for what most requests have, so that it is one allocation.
	few  [3]string
	args [1 + 3]starlark.Value
}

// matchOf returns the match of the router that has called last, nil if there is none.
func matchOf(env starlark.Mapping) *match {
	v, ok, err := env.Get(keyRoute)
	if err != nil || !ok {
		return nil
	}
	m, _ := v.(*match)
	return m
}

// here has url_for know a router which has no route for the request, or whose middleware has failed
// before one was looked for: what answers then has links too.
func (r *Router) here(env starlark.HasSetKey) error {
	outer := matchOf(env)
	for m := outer; m != nil; m = m.outer {
		if m.router == r {
			return nil
		}
	}
	none := &entry{pattern: &pattern{}, handler: &handler{}}
	return env.SetKey(keyRoute, &match{Object: "route.match", router: r, outer: outer,
		script: environ.Text(env, keyScript), entry: none})
}

// Arguments are the value of wsgiorg.routing_args for a match, made when it is asked for.
type arguments struct{ *match }

var _ environ.Later = arguments{}

// Later makes the pair of WSGI's routing_args: what was matched without a name, which is nothing,
// and by name. The parameters of the mounts around come first, as that specification wants it of
// dispatchers that are nested.
func (a arguments) Later() starlark.Value {
	named := starlark.NewDict(len(a.values))
	a.add(named)
	return starlark.Tuple{starlark.Tuple{}, named}
}

// add adds the parameters of a match, and before them those of the mount in which it is.
func (m *match) add(named *starlark.Dict) {
	if m.outer != nil && m.outer.entry.mount != nil {
		m.outer.add(named)
	}
	i := 0
	for _, s := range m.entry.pattern.segments {
		for _, p := range s.parts {
			if p.name != "" {
				// Strings can be hashed, and nothing iterates yet.
				_ = named.SetKey(starlark.String(p.name), p.kind.value(m.values[i]))
				i++
			}
		}
	}
}
