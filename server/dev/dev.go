// Package dev is the front of an application that is being written: errors where the one who writes looks for them, pages
// that follow the files, and an inspector of the last requests.
//
// # The model
//
// A [Server] stands in front of a server.Handler, whose App, ErrorPage and Logger it takes over. Each request
// becomes a record of what was asked, said, logged and answered; the last ones are kept, and the inspector at
// [Path] lists them, asks them again, and writes them down as tests.
//
// A request that fails is answered by a page with the call stack, the lines around each place and the variables
// (package trace). Pages learn of changes through a script that is put into them (package live). What is
// wrong with a program that does not load is shown over the page, which the last good version serves on.
//
// All of this is for the person at this machine: see [Local]. Others get what a server in production says.
package dev

import (
	"context"
	"io/fs"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/runtime/tee"
	"github.com/larkspur-web/larkspur/server"
	"github.com/larkspur-web/larkspur/server/dev/live"
	"github.com/larkspur-web/larkspur/server/dev/trace"
)

// Path is where the inspector is.
const Path = "/_larkspur/"

// Config says what is developed. Only Handler is required.
type Config struct {
	// Handler serves the application. The Server changes its App and its ErrorPage, so it must not have served yet.
	Handler *server.Handler
	// Tree holds the application's files, for the lines around an error. Nil shows none.
	Tree fs.FS
	// Dir is where the tree lies, for names of files as the user would write them, and where requests are saved as
	// tests. Empty means that it lies nowhere, and nothing is saved.
	Dir string
	// Entry is FILE.star or FILE.star:CALLABLE. Empty means app.star.
	Entry string
	// Software is named at the foot of the pages. Empty names nothing.
	Software string
}

// A Server is an http.Handler. Use [New]. It is safe for concurrent use.
type Server struct {
	config Config
	hub    *live.Hub
	mux    *http.ServeMux
	views  views
	serial atomic.Uint64 // of records

	mu         sync.Mutex // guards what follows
	records    []*record  // oldest first
	reloads    []Reload   // oldest first
	generation uint64
}

// How many are kept.
const (
	maxRecords = 200
	maxReloads = 50
)

// New returns a Server for c.Handler.
func New(c Config) *Server {
	if c.Entry == "" {
		c.Entry = "app.star"
	}
	s := &Server{config: c, hub: live.NewHub(), views: parseViews(), generation: 1}
	s.mux = s.routes()
	c.Handler.App = trace.Wrap(c.Handler.App, s.ended)
	c.Handler.ErrorPage = s.failed
	return s
}

// Close ends the connections by which pages learn of changes.
func (s *Server) Close() { s.hub.Close() }

// ServeHTTP answers what is below [Path] itself, and has the application answer the rest.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !strings.HasPrefix(r.URL.Path, Path) && r.URL.Path != strings.TrimSuffix(Path, "/") {
		s.serve(w, r, 0)
		return
	}
	if !Local(r) {
		http.Error(w, "403 Forbidden: the pages of larkspur dev are for a browser on the same machine, at localhost", http.StatusForbidden)
		return
	}
	s.mux.ServeHTTP(w, r)
}

// serve has the application answer r, and returns the record of it. It is called for a replay of another one too.
func (s *Server) serve(w http.ResponseWriter, r *http.Request, replays uint64) *record {
	rec := &record{id: s.serial.Add(1), began: time.Now(), replays: replays}
	inner := r.WithContext(tee.With(context.WithValue(r.Context(), recordKey{}, rec), rec.logged))
	if r.Body != nil && r.Body != http.NoBody {
		inner.Body = &body{r.Body, rec}
	}
	rec.request = inner
	s.begin(rec)
	var page *live.Page
	if Local(r) && replays == 0 {
		page = s.hub.Inject(w, r)
		w = page
	}
	whole := false
	defer func() { // a response that is broken off panics
		rec.finish(whole)
		s.hub.Requested()
	}()
	s.config.Handler.ServeHTTP(&writer{w, rec}, inner)
	if page != nil {
		page.End()
	}
	whole = true
	return rec
}

// begin keeps the record of a request.
func (s *Server) begin(rec *record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	rec.generation = s.generation
	if len(s.records) == maxRecords {
		copy(s.records, s.records[1:])
		s.records = s.records[:maxRecords-1]
	}
	s.records = append(s.records, rec)
}

// ended is told of the end of each call of the application.
func (s *Server) ended(ctx context.Context, steps uint64, err error) {
	if rec := recordOf(ctx); rec != nil {
		rec.called(steps)
		if err != nil && ctx.Err() == nil {
			rec.blame(s.explain(err))
		}
	}
}

// A Reload is an attempt to load the program again.
type Reload struct {
	Time       time.Time
	Generation uint64   // that serves now
	Files      []string // that were not as before, as paths in the tree
	Other      bool     // files were changed that are not of the program, and nothing was loaded
	// Diagnostics say why it does not load; there are none if it does.
	Diagnostics host.Diagnostics
}

// Reloaded is told of each attempt to load the program again.
func (s *Server) Reloaded(r Reload) {
	s.keep(r)
	if len(r.Diagnostics) == 0 {
		s.hub.Loaded(nil)
		return
	}
	o := &live.Overlay{
		Title: "The script does not load",
		Note:  "The last good version serves on. This goes away when the fix is saved.",
	}
	for _, d := range r.Diagnostics {
		o.Items = append(o.Items, live.Item{Place: s.named(d.Place), Message: d.Message, Lines: s.excerpt(d.Place)})
	}
	s.hub.Loaded(o)
}

// Changed is told of other files of the tree that have changed: templates, style sheets, images. Tests change no page.
func (s *Server) Changed(files []string) {
	files = slices.DeleteFunc(slices.Clone(files), func(name string) bool { return strings.HasSuffix(name, "_test.star") })
	if len(files) == 0 {
		return
	}
	s.keep(Reload{Time: time.Now(), Files: files, Other: true})
	s.hub.Changed(files)
}

func (s *Server) keep(r Reload) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.Generation != 0 {
		s.generation = r.Generation
	}
	if len(s.reloads) == maxReloads {
		s.reloads = append(s.reloads[:0], s.reloads[1:]...)
	}
	s.reloads = append(s.reloads, r)
}

// path is where a file of the tree lies, as the user would name it.
func (s *Server) path(file string) string {
	if s.config.Dir == "" {
		return file
	}
	return filepath.Join(s.config.Dir, filepath.FromSlash(file))
}
