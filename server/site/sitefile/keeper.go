package sitefile

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"sync"

	"github.com/larkspur-web/larkspur/server/compress"
	"github.com/larkspur-web/larkspur/server/site"
	"github.com/larkspur-web/larkspur/server/static"
	"github.com/larkspur-web/larkspur/server/upstream"
)

// A Keeper has what files describe and what has to be let go of: applications with what they are
// granted, workers, connections to other servers. What two files describe alike is one. The zero value is
// ready; it is safe for concurrent use.
type Keeper struct {
	mu    sync.Mutex // guards what follows
	kept  map[string]*kept
	count int // of what was kept
}

// A kept thing is one of them.
type kept struct {
	value any
	close func()
	users int
	order int
}

// A Lot is what one file has of a Keeper. It is for one goroutine until Release.
type Lot struct {
	// Compress is how answers are compressed of routes that do not say it, as compress.Parse reads it.
	Compress string

	keeper *Keeper
	keys   []string
	once   sync.Once
}

// Begin returns a Lot of nothing.
func (k *Keeper) Begin() *Lot { return &Lot{keeper: k} }

// Keep returns what the key describes, which is written as JSON, and makes it if no Lot has it. Close is
// called when none has it any more; nil does nothing.
func Keep[T any](l *Lot, key any, make func() (value T, close func(), err error)) (T, error) {
	text, err := json.Marshal(key)
	if err != nil {
		panic("sitefile: a key is plain data: " + err.Error())
	}
	name := string(text)
	l.keeper.mu.Lock()
	have := l.keeper.kept[name]
	if have != nil {
		have.users++
	}
	l.keeper.mu.Unlock()
	if have != nil {
		l.keys = append(l.keys, name)
		return have.value.(T), nil
	}
	value, close, err := make() // it may take long; who builds is one goroutine
	if err != nil {
		return value, err
	}
	l.keeper.mu.Lock()
	defer l.keeper.mu.Unlock()
	if l.keeper.kept == nil {
		l.keeper.kept = map[string]*kept{}
	}
	l.keeper.count++
	l.keeper.kept[name] = &kept{value, close, 1, l.keeper.count}
	l.keys = append(l.keys, name)
	return value, nil
}

// Release lets go of all that no other Lot has, the last first. Only the first call counts.
func (l *Lot) Release() {
	l.once.Do(func() {
		for _, key := range slices.Backward(l.keys) {
			if close := l.keeper.leave(key); close != nil {
				close()
			}
		}
	})
}

// leave returns how to close what the key describes, if that was the last who had it.
func (k *Keeper) leave(key string) (close func()) {
	k.mu.Lock()
	defer k.mu.Unlock()
	have := k.kept[key]
	if have == nil { // all is closed
		return nil
	}
	if have.users--; have.users > 0 {
		return nil
	}
	delete(k.kept, key)
	return have.close
}

// Mounts returns those of a file. app makes what answers for an application, and may leave Host and Path
// to be set.
func (l *Lot) Mounts(f *File, app func(m *Mount) (site.Mount, error)) ([]site.Mount, error) {
	var all []site.Mount
	for _, h := range f.Hosts {
		for _, route := range h.Routes {
			m, err := l.mount(&route, app)
			var f *compress.Filter
			if err == nil {
				f, err = compress.Parse(cmp.Or(route.Compress, l.Compress))
			}
			if err != nil {
				return nil, &RouteError{route, err}
			}
			if f != nil && route.Redirect == nil {
				m.Filter = f.Begin
			}
			for _, name := range h.Names {
				m.Host, m.Path = name, route.Path
				all = append(all, m)
			}
		}
	}
	return all, nil
}

// mount returns what answers for a route.
func (l *Lot) mount(r *Route, app func(m *Mount) (site.Mount, error)) (m site.Mount, err error) {
	switch {
	case r.Mount != nil:
		return app(r.Mount)
	case r.Upstream != nil:
		m.Handler, err = Keep(l, r.Upstream, func() (*upstream.Proxy, func(), error) {
			proxy, err := upstream.New(r.Upstream.URLs...)
			if err != nil {
				return nil, nil, err
			}
			proxy.Check, proxy.Timeout = r.Upstream.Check, r.Upstream.Timeout
			proxy.Start()
			return proxy, proxy.Close, nil
		})
	case r.Static != nil:
		key := struct {
			Path   string
			Static *Static
		}{r.Path, r.Static}
		m.Handler, err = Keep(l, key, func() (*static.Handler, func(), error) {
			return &static.Handler{Dir: r.Static.Dir, Path: r.Path, Options: r.Static.Options}, nil, nil
		})
	case r.Redirect != nil:
		m.Handler = r.Redirect
	}
	return m, err
}

// A RouteError is the error of making what a route describes.
type RouteError struct {
	Route Route
	Err   error
}

func (e *RouteError) Error() string { return e.Route.Place.String() + ": " + e.Err.Error() }

// Unwrap returns Err.
func (e *RouteError) Unwrap() error { return e.Err }

// Close lets go of all that is left, the last that was made first, for when nothing is served any more.
func (k *Keeper) Close() {
	k.mu.Lock()
	left := slices.SortedFunc(maps.Values(k.kept), func(a, b *kept) int { return b.order - a.order })
	k.kept = nil
	k.mu.Unlock()
	for _, have := range left {
		if have.close != nil {
			have.close()
		}
	}
}
