package site

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/larkspur-web/larkspur/environ"
	"github.com/larkspur-web/larkspur/environ/lib/session"
	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/runtime/watch"
	"github.com/larkspur-web/larkspur/server"
	"github.com/larkspur-web/larkspur/server/dev"
	"go.starlark.net/starlark"
)

// A running application is one that is loaded. It outlives the Site that it came with for as long
// as the next one has the same application.
type running struct {
	app    *Application
	live   *runtime.Live
	logger *slog.Logger
	shown  *dev.App // nil unless it is developed
	behind Backend  // that has it called in other processes; nil if it is loaded in this one

	watcher *watch.Watcher // nil if its files are not watched
	changed func()         // [Server.Changed]

	unfollow  context.CancelFunc // ends what the Source of the application does
	following sync.WaitGroup

	editions atomic.Int64 // that have it and have not ended

	mu   sync.Mutex    // loads may be told of at once
	last *runtime.Scan // of what was loaded before, if it is developed
	// broken is whether the Backend could not load it, when it was to the last time.
	broken bool
}

// load returns the applications of the site: those that run already, and fresh ones. s.mu is held.
func (s *Server) load(site *Site) (apps, fresh []*running, err error) {
	for _, m := range site.Mounts {
		if m.App == nil || find(apps, m.App) != nil {
			continue
		}
		r := find(s.running, m.App)
		if r == nil {
			if r, err = s.begun(m); err != nil {
				closeApps(fresh)
				return nil, nil, err
			}
			fresh = append(fresh, r)
		}
		apps = append(apps, r)
	}
	return apps, fresh, nil
}

// begun has the application of a mount run.
func (s *Server) begun(m Mount) (*running, error) {
	if m.Handler == nil {
		return s.start(m.App)
	}
	b, ok := m.Handler.(Backend)
	if !ok || s.pages == nil {
		return nil, fmt.Errorf("site: the mount at %q has an App and a Handler: the latter is to be a "+
			"Backend, and the application to be developed", m.Host+m.Path)
	}
	return s.startBehind(m.App, b)
}

// start loads an application.
func (s *Server) start(a *Application) (*running, error) {
	config := a.Config(s.said())
	config.Grants = a.Grants
	live, err := runtime.Follow(config, a.Name())
	if err != nil && (s.pages == nil || s.Tell != nil) { // else the pages say so
		return nil, &LoadError{a, err}
	}
	r := &running{app: a, live: live, logger: s.log, changed: s.Changed}
	var follows context.Context
	follows, r.unfollow = context.WithCancel(context.Background())
	if s.pages != nil {
		r.last = live.Scan()
		r.shown = s.show(a)
		if err != nil {
			r.logger.Error("the script does not load; it is loaded again when it is saved",
				slog.Any("error", err))
			r.loaded(err)
		}
	}
	if a.Dir != "" {
		r.watcher = s.watcher
	}
	if err := r.watcher.Add(r.target()); err != nil {
		r.close()
		return nil, &LoadError{a, err}
	}
	if a.Source != nil {
		r.following.Go(func() { a.Source.Follow(follows, live, s.log) })
	}
	return r, nil
}

// show has the pages show an application.
func (s *Server) show(a *Application) *dev.App {
	return s.pages.Develop(dev.Config{Tree: a.FS, Dir: a.Dir, Entry: a.Name(), Keepers: keepers(a),
		Describe: a.describe()})
}

// keepers are those among the grants of an application that keep something. One that several modules
// are granted is listed once.
func keepers(a *Application) map[string]host.Keeper {
	all := make(map[string]host.Keeper)
	for _, name := range slices.Sorted(maps.Keys(a.Grants)) {
		k, ok := a.Grants[name].(host.Keeper)
		if ok && !slices.ContainsFunc(slices.Collect(maps.Values(all)), func(o host.Keeper) bool { return alike(o, k) }) {
			all[name] = k
		}
	}
	return all
}

// find returns the running one that a describes, nil if there is none.
func find(all []*running, a *Application) *running {
	i := slices.IndexFunc(all, func(r *running) bool { return r.app.same(a) })
	if i < 0 {
		return nil
	}
	return all[i]
}

func closeApps(all []*running) {
	for _, r := range all {
		r.close()
	}
}

// close ends the application, once its last request has ended. Only the first counts.
func (r *running) close() {
	r.watcher.Remove(r.live)
	r.unfollow()
	r.following.Wait()
	r.live.Close()
	if r.shown != nil {
		r.shown.Close()
	}
}

// gateway returns the handler of the application under a path.
func (r *running) gateway(path string, site *Site, slots *server.Slots) http.Handler {
	if r.behind != nil {
		return r.shown.Behind(r.behind, path, environ.Config{Vars: r.app.Environ})
	}
	g := &server.Gateway{App: r.live, Environ: r.app.Environ, IdleTimeout: site.IdleTimeout,
		Slots: slots, Multiprocess: site.Multiprocess, Abandoned: site.Abandoned, Logger: r.logger}
	if judge, ok := r.app.Source.(Judge); ok {
		g.Answered = func(generation uint64, status int, f *server.Failure) {
			if f == nil {
				judge.Answered(generation, status, "", "")
				return
			}
			judge.Answered(generation, status, string(f.Code), f.Place())
		}
	}
	if r.shown != nil {
		g.App = r.shown.Wrap(r.live, path, environ.Config{Vars: r.app.Environ,
			Serial: slots.Calls == 1})
	}
	return g
}

// target is what is watched.
func (r *running) target() watch.Target {
	if r.behind != nil {
		return watch.Target{Live: r.live, Dir: r.app.Dir, Notice: r.noticed, Others: r.others}
	}
	t := watch.Target{Live: r.live, Dir: r.app.Dir, Notice: r.changed}
	if r.shown != nil {
		t.Changed, t.Others = r.loaded, r.shown.Changed
	}
	return t
}

// reload loads the application again.
func (r *running) reload() error {
	if r.behind != nil {
		return r.reloadBehind(r.live.Scan(), nil)
	}
	before := r.live.Status().Generation
	err := r.live.Reload()
	if errors.Is(err, runtime.ErrClosed) {
		return nil // the site that serves by now is without it
	}
	after := r.live.Status().Generation
	if r.shown != nil && (err != nil || after != before) {
		r.loaded(err)
	}
	switch {
	case err != nil:
		r.logger.Error("reload failed, the last good version serves on", slog.Any("error", err),
			slog.Uint64("generation", after))
		return &LoadError{r.app, err}
	case after == before:
		r.logger.Info("nothing to reload: the files are the same", slog.Uint64("generation", after))
	default:
		r.logger.Info("reloaded", slog.Uint64("generation", after))
	}
	return nil
}

// loaded tells the pages of an attempt to load the application again.
func (r *running) loaded(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.live.Scan()
	reload := dev.Reload{Time: time.Now(), Generation: r.live.Status().Generation,
		Files: now.Changed(r.last)}
	r.last = now
	if err != nil {
		reload.Diagnostics = runtime.Diagnose(r.app.Name(), err)
	}
	r.shown.Reloaded(reload)
}

// remembered has the inspector know which session a request came with.
func remembered(r *http.Request) (context.Context, func() *starlark.Dict) {
	trial := new(session.Trial)
	cookies := strings.Join(r.Header["Cookie"], "; ")
	return trial.With(r.Context()), func() *starlark.Dict {
		data, _ := trial.Session(cookies)
		return data
	}
}
