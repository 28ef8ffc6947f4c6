package site

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/larkspur-web/larkspur/push"
	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/runtime/tee"
	"github.com/larkspur-web/larkspur/runtime/watch"
	"github.com/larkspur-web/larkspur/server"
	"github.com/larkspur-web/larkspur/server/dev"
	"github.com/larkspur-web/larkspur/server/h2"
)

// A Server runs a [Site]. The zero value works. Its fields must not be changed once it is in use,
// and it must not be copied; its methods may be called from any number of goroutines.
type Server struct {
	// Watch loads applications again when their files change.
	Watch bool
	// Changed, if not nil, is called with Watch when the files of an application have changed, in
	// place of loading it again.
	Changed func()
	// Develop has the applications developed: see package dev. It is for one person at the same
	// machine.
	Develop bool
	// Tell is [dev.Server.Tell], of a worker whose application is developed.
	Tell func(r *http.Request) (at func(host.Place), end func(account json.RawMessage))
	// Software is named on the pages of dev. Empty names nothing.
	Software string
	// Drain is [server.Group.Drain].
	Drain time.Duration
	// MaxConns is [server.Group.MaxConns].
	MaxConns int
	// Engine is [server.Group.Engine].
	Engine *h2.Server
	// XNet is [server.Group.XNet].
	XNet bool
	// Observer is [server.Front.Observer].
	Observer *server.Observer
	// Opened are sockets that are open already, for URLs of the site. Nil means that there are none.
	Opened *server.Opened
	// Logger receives what goes wrong, what applications say, and reloads. Nil means
	// slog.Default().
	Logger *slog.Logger

	once    sync.Once
	log     *slog.Logger // Logger, or one that the inspector hears of too
	group   server.Group
	pages   *dev.Server             // nil unless Develop
	watcher *watch.Watcher          // of the running applications; nil unless Watch
	secure  atomic.Pointer[secure]  // how the site that serves now does TLS; nil if it does not
	edition atomic.Pointer[edition] // that answers now
	leaving atomic.Bool             // see Leave

	mu        sync.Mutex // guards what follows
	since     time.Time  // when the first Site was taken up
	site      *Site
	running   []*running
	slots     *server.Slots   // of the site
	listeners []listening     // in the order of the site's URLs
	serving   context.Context // nil before Serve
}

var errServed = errors.New("site: the server has served already")

func (s *Server) begin() {
	if s.log = s.Logger; s.log == nil {
		s.log = slog.Default()
	}
	if s.Develop {
		s.pages = dev.New(s.Software)
		s.pages.Sessions, s.pages.Tell = remembered, s.Tell
		s.log = slog.New(tee.New(s.log.Handler()))
	}
	s.group.Drain, s.group.Engine, s.group.XNet = s.Drain, s.Engine, s.XNet
	s.group.MaxConns, s.group.Logger = s.MaxConns, s.log
	if s.Watch {
		s.watcher = &watch.Watcher{Logger: s.log}
	}
}

// Set has the server serve site from now on. If it returns an error nothing has changed: a
// [LoadError] if an application does not load; an error that wraps [server.ErrAddress] if a URL
// names no listener; one that says what a mount has not.
func (s *Server) Set(site *Site) error {
	if err := site.incomplete(); err != nil {
		return err
	}
	s.once.Do(s.begin)
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.set(site)
}

// set is Set. s.mu is held.
func (s *Server) set(site *Site) error {
	old := s.edition.Load()
	retire := &retirement{retire: site.Retire}
	if old != nil && s.site == site { // it is read again
		retire = old.retire
	}
	site, err := site.withMap()
	if err != nil {
		return err
	}
	apps, fresh, err := s.load(site)
	if err != nil {
		return err
	}
	listeners, opened, err := s.listen(site)
	if err != nil {
		closeApps(fresh)
		return err
	}
	slots := s.slots
	if slots == nil || slots.Calls != site.Calls || slots.Waiting != site.Waiting {
		slots = &server.Slots{Calls: site.Calls, Waiting: site.Waiting}
	}
	before, after := s.secure.Load(), newSecure(site, s.log)
	next := newEdition(s.handler(site, apps, slots), apps, retire)
	// What there has to be before there is a listener on which it could be asked for.
	if old == nil {
		s.edition.Store(next)
	}
	if before == nil {
		s.secure.Store(after)
	}
	if err := s.group.Set(s, listenersOf(listeners)...); err != nil {
		s.edition.Store(old)
		s.secure.Store(before)
		after.leave(before)
		if old == nil || old.retire != retire {
			retire.retire = nil
		}
		next.leave()
		closeListeners(opened)
		return err
	}
	s.edition.Store(next)
	s.secure.Store(after)
	before.leave(after)
	site.TLS.ACME.begin()
	s.site, s.running, s.slots, s.listeners = site, apps, slots, listeners
	if old != nil {
		old.leave()
	} else {
		s.since = time.Now()
	}
	return nil
}

// handler is what answers for the site.
func (s *Server) handler(site *Site, apps []*running, slots *server.Slots) http.Handler {
	front := &server.Front{MaxBody: site.MaxBody, HSTS: site.HSTS, Proxies: site.Proxies, ClientRate: site.ClientRate,
		Logger: s.log, Access: site.Access, Observer: s.observer(), Hop: site.Hop}
	var observe func(*http.Request, push.Verdict)
	if s.pages != nil {
		front.ErrorPage, observe = s.pages.ErrorPage, dev.Note
	}
	front.Push = site.Push.policy(s.log, observe)
	front.Certified = func(r *http.Request, host string) bool { return s.secure.Load().covers(r, host) }
	for _, m := range site.Mounts {
		h := m.Handler
		if m.App != nil { // with another Handler, it is that of the running application
			own := slots
			if m.Calls > 0 {
				own = &server.Slots{Calls: m.Calls, Waiting: site.Waiting}
			}
			h = find(apps, m.App).gateway(m.Path, site, own)
		}
		front.Mounts = append(front.Mounts, server.Mount{Host: m.Host, Path: m.Path, Handler: h, Rate: m.Rate,
			Filter: m.Filter})
	}
	if s.pages != nil {
		return s.pages.Handler(front)
	}
	if acme := site.TLS.ACME; acme != nil {
		return acme.challenges(front)
	}
	return front
}

// ServeHTTP has the site that serves now answer a request, for those who have listeners of their
// own. Serve is then for the site's watching and its end. Before the first Set it answers 503.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	for {
		e := s.edition.Load()
		if e == nil {
			http.Error(w, "503 Service Unavailable", http.StatusServiceUnavailable)
			return
		}
		if e.serve(w, r) {
			return
		} // else another site has been taken up in between
	}
}

// Content stands for the files that the applications were loaded from: in any process it is the same
// for the same applications and content.
func (s *Server) Content() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []string
	for _, r := range s.running {
		all = append(all, r.live.Status().Content)
	}
	return strings.Join(all, " ")
}

// Files are those, and the directories, that the applications were loaded from, as paths in their trees.
func (s *Server) Files() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []string
	for _, r := range s.running {
		all = append(all, r.live.Scan().Files()...)
	}
	return all[:min(len(all), maxFiles)]
}

// maxFiles is how many files there is room for where they are told.
const maxFiles = 2000

// Listeners are those that are open, in the order of the site's URLs.
func (s *Server) Listeners() []*server.Listener {
	s.mu.Lock()
	defer s.mu.Unlock()
	return listenersOf(s.listeners)
}

// Serve serves until ctx ends or a listener fails, and then drains, as [server.Group.Serve] does.
// It serves once, and closes the applications at its end.
func (s *Server) Serve(ctx context.Context) error {
	if ctx == nil {
		return errors.New("site: Serve: nil context.Context: context.Background() never ends")
	}
	s.once.Do(s.begin)
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	s.mu.Lock()
	if s.serving != nil {
		s.mu.Unlock()
		return errServed
	}
	s.serving = ctx
	s.mu.Unlock()
	defer context.AfterFunc(ctx, s.Leave)()
	var watching sync.WaitGroup
	watching.Go(func() { s.watcher.Run(ctx) })
	watching.Go(func() { s.followCertificates(ctx) })
	if s.Watch {
		watching.Go(func() { s.followMap(ctx) })
	}
	if s.pages != nil {
		defer context.AfterFunc(ctx, s.pages.Close)()
	}
	err := s.group.Serve(ctx)
	stop()
	watching.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	closeApps(s.running)
	s.running = nil
	s.secure.Load().leave(nil)
	return err
}

// Leave has Draining report true, while the server serves on: whoever looks whether it is to get requests
// goes elsewhere, before it takes no more.
func (s *Server) Leave() { s.leaving.Store(true) }

// Draining reports whether the server is about to end, or ends, and should get no more requests.
func (s *Server) Draining() bool { return s.leaving.Load() }

// A Reloader is a handler that loads what it answers with again, and logs what came of it, when the
// site is told to.
type Reloader interface{ Reload(context.Context) error }

// Reload loads the certificate, the map of pushes and the applications again, and logs what came of
// it. What does not load never replaces what serves. The error is that of all of them that do not.
func (s *Server) Reload() error {
	s.mu.Lock()
	site, running := s.site, s.running
	s.mu.Unlock()
	if site == nil {
		return nil
	}
	errs := []error{s.reloadCertificates(), s.reloadMap()}
	for _, r := range running {
		errs = append(errs, r.reload())
	}
	for _, m := range site.Mounts {
		if h, ok := m.Handler.(Reloader); ok && m.App == nil {
			errs = append(errs, h.Reload(context.Background()))
		}
	}
	return errors.Join(errs...)
}
