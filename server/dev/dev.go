// Package dev is the front of applications that are being written: errors where the one who writes
// looks for them, pages that follow the files, and an inspector of the last requests.
//
// # The model
//
// A [Server] is made before the handlers of the applications, because they need what it has: each
// [App] wraps the application that a server.Gateway calls, [Server.ErrorPage] is the ErrorPage of
// the server.Front, [Note] the Observe of the push.Policy, and the Logger of all of them is one
// whose handler is a tee.Handler. [Server.Handler] then stands in front of the whole. Package
// site puts it together so; nothing here is changed by who gives it away.
//
// Each request becomes a record of what was asked, said, logged and answered; the last ones are
// kept, and the inspector at [Path] lists them, asks them again, and writes them down as tests.
//
// A request that fails is answered by a page with the call stack, the lines around each place and
// the variables (package trace). Pages learn of changes through a script that is put into them
// (package live). What is wrong with a program that does not load is shown over the page, which
// the last good version serves on.
//
// All of this is for the person at this machine: see [Local]. Others get what a server in
// production says.
package dev

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/server/dev/live"
	"go.starlark.net/starlark"
)

// Path is where the inspector is.
const Path = "/_larkspur/"

// A Server has what is known of the applications that are developed, and of the last requests. Use
// [New]. It is safe for concurrent use.
type Server struct {
	// Sessions, if not nil, returns a context for a request, and what says which session it came with,
	// once the request has been answered: that is nil or empty if there was none. It must be set
	// before the server is used.
	Sessions func(r *http.Request) (ctx context.Context, session func() *starlark.Dict)
	// Tell, if not nil, has the server be that of a worker: it shows and keeps nothing, but tells the
	// server of the front, by an account of each request, which that is given by [Told]. at, if not
	// nil, is told where the call for r is; end is called with the account when it is over. It must be
	// set before the server is used.
	Tell func(r *http.Request) (at func(host.Place), end func(account json.RawMessage))

	software string
	token    string // that forms have which change what is kept
	hub      *live.Hub
	views    views
	serial   atomic.Uint64 // of records

	mu      sync.Mutex // guards what follows
	apps    []*App
	records []*record // oldest first
	reloads []Reload  // oldest first
}

// How many are kept.
const (
	maxRecords = 200
	maxReloads = 50
)

// New returns a Server whose pages name the software at their foot, if it is not empty.
func New(software string) *Server {
	return &Server{software: software, token: rand.Text(), hub: live.NewHub(), views: parseViews()}
}

// Close ends the connections by which pages learn of changes: a server that drains waits for them.
func (s *Server) Close() { s.hub.Close() }

// A Reload is an attempt to load a program again.
type Reload struct {
	Time       time.Time
	Generation uint64   // that serves now
	Files      []string // that were not as before, as paths in the tree
	Other      bool     // files were changed that are not of the program, and nothing was loaded
	// Diagnostics say why it does not load; there are none if it does.
	Diagnostics host.Diagnostics
}

// keep keeps a reload for the inspector's list.
func (s *Server) keep(r Reload) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.reloads) == maxReloads {
		s.reloads = append(s.reloads[:0], s.reloads[1:]...)
	}
	s.reloads = append(s.reloads, r)
}

// begin keeps the record of a request.
func (s *Server) begin(rec *record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.records) == maxRecords {
		copy(s.records, s.records[1:])
		s.records = s.records[:maxRecords-1]
	}
	s.records = append(s.records, rec)
}

// all returns the applications.
func (s *Server) all() []*App {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.apps)
}
