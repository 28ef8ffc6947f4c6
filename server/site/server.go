package site

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/larkspur-web/larkspur/push"
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
	// Logger receives what goes wrong, what applications say, and reloads. Nil means
	// slog.Default().
	Logger *slog.Logger

	once    sync.Once
	log     *slog.Logger // Logger, or one that the inspector hears of too
	group   server.Group
	pages   *dev.Server    // nil unless Develop
	watcher *watch.Watcher // of the running applications; nil unless Watch
	current atomic.Pointer[Certificate]
	edition atomic.Pointer[edition] // that answers now

	mu        sync.Mutex // guards what follows
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
		s.pages.Sessions = remembered
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
	next := newEdition(s.handler(site, apps, slots), apps, retire)
	certificate := s.current.Load()
	// What there has to be before there is a listener on which it could be asked for.
	if old == nil {
		s.edition.Store(next)
	}
	if certificate == nil {
		s.current.Store(site.Certificate)
	}
	if err := s.group.Set(s, listenersOf(listeners)...); err != nil {
		s.edition.Store(old)
		s.current.Store(certificate)
		if old == nil || old.retire != retire {
			retire.retire = nil
		}
		next.leave()
		closeListeners(opened)
		return err
	}
	s.edition.Store(next)
	s.current.Store(site.Certificate)
	s.site, s.running, s.slots, s.listeners = site, apps, slots, listeners
	if old != nil {
		old.leave()
	}
	return nil
}

// handler is what answers for the site.
func (s *Server) handler(site *Site, apps []*running, slots *server.Slots) http.Handler {
	front := &server.Front{MaxBody: site.MaxBody, Logger: s.log, Access: site.Access, Hop: site.Hop}
	var observe func(*http.Request, push.Verdict)
	if s.pages != nil {
		front.ErrorPage, observe = s.pages.ErrorPage, dev.Note
	}
	front.Push = site.Push.policy(s.log, observe)
	front.Certified = func(_ *http.Request, host string) bool { return s.current.Load().covers(host) }
	for _, m := range site.Mounts {
		h := m.Handler
		if m.App != nil {
			h = find(apps, m.App).gateway(m.Path, site, slots)
		}
		front.Mounts = append(front.Mounts, server.Mount{Host: m.Host, Path: m.Path, Handler: h,
			Filter: m.Filter})
	}
	if s.pages != nil {
		return s.pages.Handler(front)
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
	var watching sync.WaitGroup
	watching.Go(func() { s.watcher.Run(ctx) })
	if s.Watch {
		watching.Go(func() { s.followFiles(ctx) })
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
	return err
}

// reloadCertificate reads the certificate of a site again.
func (s *Server) reloadCertificate(site *Site) error {
	err := site.Certificate.Reload()
	if err != nil {
		s.log.Error("reload failed, the last good certificate serves on", slog.Any("error", err))
	}
	return err
}

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
	errs := []error{s.reloadCertificate(site), s.reloadMap()}
	for _, r := range running {
		errs = append(errs, r.reload())
	}
	for _, m := range site.Mounts {
		if h, ok := m.Handler.(Reloader); ok {
			errs = append(errs, h.Reload(context.Background()))
		}
	}
	return errors.Join(errs...)
}
