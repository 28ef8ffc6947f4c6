package sitefile

import (
	"slices"

	"github.com/larkspur-web/larkspur/push"
	"github.com/larkspur-web/larkspur/runtime/host"
)

// check finds what is wrong with all of a file together.
func (r *reader) check(f *File) {
	if len(f.Hosts) == 0 && len(r.faults) == 0 {
		r.fault(host.Place{File: r.base, Line: 1}, `it serves nothing: write mount("/", "app.star")`)
	}
	sites := make(map[string]Host)
	for _, h := range f.Hosts {
		for _, name := range h.Names {
			if other, twice := sites[name]; twice {
				r.fault(h.Place, "site: %s has a site in line %d already", name, other.Place.Line)
				continue
			}
			sites[name] = h
		}
		paths := make(map[string]Route)
		for _, route := range h.Routes {
			if other, twice := paths[route.Path]; twice {
				r.fault(route.Place, "the path %s has a route in line %d already", shown(route.Path), other.Place.Line)
				continue
			}
			paths[route.Path] = route
		}
	}
	r.orphans()
	r.data(f)
	for _, s := range f.Settings {
		if s.Flag == "push-map" {
			if _, err := push.ReadMap(s.Values[0]); err != nil {
				r.fault(s.Place, "push_map: %v", err)
			}
		}
	}
}

// orphans finds routes that no site has.
func (r *reader) orphans() {
	for _, made := range r.routes {
		if len(r.hosts) > 0 && !made.taken {
			r.fault(made.Place, "the route of %s is in no site: give it to site(hosts, ...) as an argument", shown(made.Path))
		}
	}
}

// data finds directories that two applications would keep different things in.
func (r *reader) data(f *File) {
	kept := make(map[string]Route)
	for _, h := range f.Hosts {
		for _, route := range h.Routes {
			if route.Mount == nil || route.Mount.Data == "" {
				continue
			}
			other, twice := kept[route.Mount.Data]
			if !twice {
				kept[route.Mount.Data] = route
				continue
			}
			if !slices.Equal(other.Mount.Grants, route.Mount.Grants) {
				r.fault(route.Place, "mount: the data of line %d is in %s already: what is granted with it has to be the same, "+
					"or name another directory", other.Place.Line, route.Mount.Data)
			}
		}
	}
}

// shown is a path of a route as the file has it.
func shown(path string) string {
	if path == "" {
		return "/"
	}
	return path
}
