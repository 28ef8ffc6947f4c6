// Package admin answers an operator who asks what a server does: a page, whether it is well and takes
// requests, profiles. It is for a listener of its own, which the public does not reach.
//
// # The model
//
// An [Admin] is a handler, and an Observer of the requests that it tells of: what is under way, what
// was slow, which failures there were and where, which promises were for nothing. All of it is
// bounded, in memory, and begins anew with the process. Nothing that is asked for changes anything but
// a profile, of which there is one at a time, for a minute at most.
//
//	/                what runs, live and slow requests, failures, promises for nothing, workers
//	/healthz         200 while the process lives
//	/readyz          200 while it takes requests, else 503 and why not
//	/metrics         Admin.Metrics
//	/debug/starlark  a profile of scripts, for go tool pprof
//	/debug/pprof/    Go's own profiles
package admin

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/larkspur-web/larkspur/server/site"
)

// An Admin is what an operator asks. Its fields must not be changed once it is in use, and it must not
// be copied; its methods may be called from any number of goroutines.
type Admin struct {
	// Stats returns what is served. Nil means that nothing is known of it.
	Stats func() site.Stats
	// Metrics answers for /metrics. Nil means 404.
	Metrics http.Handler
	// Software is named on the page. Empty names nothing.
	Software string

	once     sync.Once
	mux      http.ServeMux
	draining atomic.Bool
	board    board
}

// Drain has /readyz say from now on that no more requests should come, where Stats do not say that the
// server is Ending. It is for the beginning of the end, before anything is closed.
func (a *Admin) Drain() { a.draining.Store(true) }

func (a *Admin) begin() {
	a.mux.HandleFunc("GET /{$}", a.page)
	a.mux.HandleFunc("GET /style.css", style)
	a.mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { plain(w, http.StatusOK, "ok\n") })
	a.mux.HandleFunc("GET /readyz", a.ready)
	a.mux.HandleFunc("GET /debug/starlark", profileScripts)
	a.mux.HandleFunc("GET /debug/pprof/{$}", listProfiles)
	a.mux.HandleFunc("GET /debug/pprof/profile", profileGo)
	a.mux.HandleFunc("GET /debug/pprof/trace", traceGo)
	a.mux.HandleFunc("GET /debug/pprof/{name}", lookUp)
	if a.Metrics != nil {
		a.mux.Handle("GET /metrics", a.Metrics)
	}
}

// ServeHTTP answers a request. It is only for those who may see all: whoever has a listener for it sees
// to that.
func (a *Admin) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.once.Do(a.begin)
	// A client that does not read must not keep a profile from ending, of which there is one at a time.
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(2 * longest)) // a recorder of tests has none
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
	if !named(r) {
		plain(w, http.StatusMisdirectedRequest,
			"This listener is for this machine: ask for it as localhost, or by its address.\n")
		return
	}
	a.mux.ServeHTTP(w, r)
}

// named reports whether a request over the loopback interface names it: a page of another site could
// make a name of its own point here (DNS rebinding), and read what the browser of an operator gets.
func named(r *http.Request) bool {
	local, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
	if !ok || !local.IP.IsLoopback() {
		return true
	}
	host := r.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	_, err := netip.ParseAddr(host)
	return err == nil || strings.EqualFold(host, "localhost")
}

// ready says whether requests should come.
func (a *Admin) ready(w http.ResponseWriter, _ *http.Request) {
	if why := a.unready(); why != "" {
		plain(w, http.StatusServiceUnavailable, why+"\n")
		return
	}
	plain(w, http.StatusOK, "ok\n")
}

// unready is why no requests should come, "" if they should.
func (a *Admin) unready() string {
	if a.draining.Load() {
		return "it drains"
	}
	if a.Stats == nil {
		return ""
	}
	s := a.Stats()
	switch {
	case s.Since.IsZero():
		return "nothing is served yet"
	case s.Ending:
		return "it drains"
	}
	for _, m := range s.Mounts {
		if m.App != "" && m.Generation == 0 {
			return m.Mount + ": the application has not loaded"
		}
		if p := poolOf(m); p != nil && len(p.Workers) == 0 {
			return m.Mount + ": no worker is there"
		}
	}
	return ""
}

func plain(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(text)) // nobody is left to tell
}

// longest is how long a profile takes at most.
const longest = time.Minute
