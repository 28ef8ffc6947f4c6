package server

import (
	"context"
	"log/slog"
	"net/http"
	"sync"

	"github.com/larkspur-web/larkspur/environ"
	"github.com/larkspur-web/larkspur/push"
	"github.com/larkspur-web/larkspur/server/hop"
)

// A Front is an http.Handler that stands before others: applications ([Gateway]), files, a proxy.
// It refuses requests that could be read in two ways, or are too large; finds the mount that a
// request is for; answers what goes wrong with an error page; logs; and pushes, or hints at, what
// goes with a page, whichever of the mounts has it.
//
// Only one of Handler and Mounts is required. A Front must not be copied or changed after its first
// use.
type Front struct {
	// Handler answers what none of the Mounts is for. Nil means 404.
	Handler http.Handler
	// Mounts are tried from the longest path to the shortest, those of the host that a request names
	// before those for any host.
	Mounts []Mount
	// MaxBody is how many bytes a request's body may have; a longer one is answered 413. Zero means
	// [environ.DefaultMaxBody], negative sets no bound.
	MaxBody int64
	// ErrorPage, if not nil, writes the response to a request that failed before anything was sent.
	// Nil means [Failure.Write], which reveals nothing.
	ErrorPage func(http.ResponseWriter, *http.Request, *Failure)
	// Logger receives a record for each request that is refused. Nil means slog.Default().
	Logger *slog.Logger
	// Access, if not nil, receives a record for each request.
	Access *slog.Logger
	// Observer, if not nil, sees what becomes of requests.
	Observer *Observer
	// Push says what may be promised to clients, and hinted. Nil means the policy that all of the
	// process share: promises are on, within safe limits, over HTTP/2 as [Configure] makes it;
	// hints are sent over HTTP/2 only.
	Push *push.Policy
	// Proxies are believed when they say who the client is. Nil has all fields of proxies reach handlers as they came,
	// and believes none.
	Proxies *Proxies
	// ClientRate bounds the requests of each client address; for IPv6, of each /64. One too many gets 429. Nil sets no
	// bound.
	ClientRate *Rate
	// HSTS is the field Strict-Transport-Security of all responses over https: RFC 6797. Empty means none.
	HSTS string
	// Hop says that the Front is in a backend: all requests come from a Front in another process,
	// over connections that nobody else can write to. What it knows of a request it says in fields,
	// which are believed, and it decides what is pushed: see package hop. Push does not count then.
	Hop bool
	// Certified, if not nil, reports whether the certificate of the connection that a request came by
	// is valid for a host, which is not the one that the connection was made for. If it is not the
	// answer is 421. Nil means that it is. It counts only if a Mount has a Host.
	Certified func(r *http.Request, host string) bool

	once   sync.Once
	mounts []Mount // in the order in which they are tried
	hosts  hosts   // of mounts
	wrong  string  // why it cannot serve; "" if it can
	push   push.Handler
	source environ.Source
	hop    hop.Receiver
	tally  tally
}

// begin makes what is made at the first request.
func (f *Front) begin() {
	f.mounts = ordered(f.Mounts, f.Handler)
	f.wrong, f.hosts = wrong(f.mounts), hostsOf(f.mounts)
	f.push = push.Handler{
		Next: http.HandlerFunc(f.route), Policy: f.Push,
		Generation: f.generation, HonorsContext: f.honorsContext,
	}
	if f.Observer != nil {
		f.push.Settled = f.Observer.Settled
	}
	if f.Hop {
		f.push.Forward = accepts
	}
}

// accepts is what the front in another process says that the client of r takes.
func accepts(r *http.Request) (promises, hints bool) {
	facts := hop.From(r.Context())
	return facts.Promises, facts.Hints
}

func (f *Front) maxBody() int64 {
	if f.MaxBody == 0 {
		return environ.DefaultMaxBody
	}
	return f.MaxBody
}

// ServeHTTP serves a request. It may be called from any number of goroutines.
//
// It panics with http.ErrAbortHandler, as the net/http documentation wants, to break off a response
// that has begun and cannot be ended.
func (f *Front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if f.once.Do(f.begin); f.wrong != "" {
		panic("server: " + f.wrong)
	}
	x := &exchange{ResponseWriter: w, front: f}
	if f.Hop {
		sent, err := f.hop.Receive(r)
		if err != nil {
			x.request = f.source.Request(r)
			x.turnAway(x, r, theirs(environ.CodeGate, http.StatusBadRequest, "%v", err))
			return
		}
		r = sent
	}
	id := ""
	if f.Proxies != nil && !f.Hop {
		made, given, err := f.Proxies.receive(r)
		if err != nil {
			x.request = f.source.Request(r)
			x.turnAway(x, r, theirs(environ.CodeGate, http.StatusBadRequest, "%v", err))
			return
		}
		r, id = made, given
	}
	r = x.handshake(r)
	x.request = f.source.Request(r)
	x.request.Identify(id)
	if f.Hop {
		x.arrived(hop.From(r.Context()))
	}
	if f.HSTS != "" && x.request.Scheme() == "https" {
		w.Header()["Strict-Transport-Security"] = []string{f.HSTS}
	}
	x.hold = enter(w, r, &x.own)
	defer x.hold.leave()
	if f.Access != nil || f.Observer != nil {
		r = x.observe(r)
		defer x.observed()
	}
	e := beginning(r)
	f.serve(x, r)
	e.end()
}

// serve answers a request.
func (f *Front) serve(x *exchange, r *http.Request) {
	if f.ClientRate != nil {
		if wait := f.ClientRate.takeFor(addressOf(x.request.Peer())); wait > 0 {
			retryAfter(x, wait)
			x.turnAway(x, r, theirs(environ.CodeFull, http.StatusTooManyRequests,
				"the client asks more often than %g times in a second", f.ClientRate.PerSecond))
			return
		}
	}
	if failure := f.refuse(r); failure != nil {
		x.turnAway(x, r, failure)
		return
	}
	if r.URL.Path == "*" || r.URL.Path == "" && r.URL.Host != "" {
		if r.Method == http.MethodOptions {
			options(x, r)
			return
		}
		r = rooted(r)
	}
	if asksUpgrade(r) {
		f.route(x, bounded(x, r, f.maxBody())) // what comes of it is no page, and nothing goes with it
		return
	}
	f.push.ServeHTTP(x, bounded(x, r, f.maxBody()))
}

// options answers a request that asks the server, not what that serves: RFC 9110, section 9.3.7.
func options(w http.ResponseWriter, r *http.Request) {
	boundAnswer(w, r)
	w.Header().Set("Content-Length", "0")
	w.WriteHeader(http.StatusOK)
}

// rooted returns r with the path of the root, for the URI of r has none.
// RFC 9110, section 4.2.3: an empty path is the same, unless the method is OPTIONS.
func rooted(r *http.Request) *http.Request {
	b, u := *r, *r.URL
	u.Path = "/"
	b.URL = &u
	return &b
}

// bounded returns r with a body of which no more than limit bytes can be read. What says its length
// has been refused if that is more.
func bounded(w http.ResponseWriter, r *http.Request, limit int64) *http.Request {
	if limit < 0 || r.ContentLength >= 0 {
		return r
	}
	b := *r
	b.Body = http.MaxBytesReader(w, r.Body, limit)
	return &b
}

// refuse returns why a request is not for any handler, or nil.
func (f *Front) refuse(r *http.Request) *Failure {
	if failure := gate(r); failure != nil {
		return failure
	}
	if limit := f.maxBody(); limit >= 0 && r.ContentLength > limit {
		// RFC 9110, section 15.5.14. Known now, so not a byte of it is read.
		return theirs(environ.CodeInputTooLong, http.StatusRequestEntityTooLarge,
			"the request body has %d bytes, the limit is %d", r.ContentLength, limit)
	}
	return nil
}

// route has the handler of its mount answer a request, of a client or promised.
func (f *Front) route(w http.ResponseWriter, r *http.Request) {
	x, promised := exchangeOf(w, r)
	if !promised {
		x.plan = push.From(w)
	} else if failure := f.refuse(r); failure != nil {
		x.page(w, r, failure)
		return
	}
	if failure := f.misplaced(r); failure != nil {
		x.turnAway(w, r, failure)
		return
	}
	m := f.mount(r)
	if m == nil {
		x.turnAway(w, r, theirs(environ.CodeGate, http.StatusNotFound,
			"the path is outside the mounts %s", f.paths()))
		return
	}
	if x.watch != nil && !promised {
		x.watch.mount = m
	}
	if m.Rate != nil && !promised {
		if wait := m.Rate.take(); wait > 0 {
			retryAfter(w, wait)
			x.turnAway(w, r, theirs(environ.CodeFull, http.StatusServiceUnavailable,
				"there are more than %g requests in a second for %q", m.Rate.PerSecond, m.Host+m.Path))
			return
		}
	}
	r = x.mounted(r, m, promised)
	if m.Filter == nil {
		m.Handler.ServeHTTP(w, r)
		return
	}
	filtered, r, end := m.Filter(w, r)
	whole := false
	defer func() { end(whole) }()
	m.Handler.ServeHTTP(filtered, r)
	whole = true
}

// generation is that of the application which answers r, or of those that do behind the handler of
// its mount; r is a page that w answers or a request that may be promised with it.
func (f *Front) generation(w http.ResponseWriter, r *http.Request) uint64 {
	m := f.mount(r)
	if m == nil {
		return 0
	}
	h := behind(w).hold
	switch m.Handler.(type) {
	case *Gateway, Backend:
		return h.generation(m.Handler)
	}
	return m.trail.generation(h)
}

// honorsContext reports whether what answers r returns soon after the context of the request ends.
func (f *Front) honorsContext(r *http.Request) bool {
	m := f.mount(r)
	if m == nil {
		return true
	}
	switch m.Handler.(type) {
	case *Gateway, Backend:
		return true
	}
	return false
}

// turnAway answers a request that does not reach an application.
func (x *exchange) turnAway(w http.ResponseWriter, r *http.Request, f *Failure) {
	f.RequestID = x.request.ID()
	x.front.tally.report(x.front.Logger, r, f)
	x.hold.fail(r, f)
	x.page(w, r, f)
}

// page answers a request that failed before anything was sent.
func (x *exchange) page(w http.ResponseWriter, r *http.Request, f *Failure) {
	boundAnswer(w, r)
	if f.Status == http.StatusServiceUnavailable && w.Header().Get("Retry-After") == "" {
		w.Header().Set("Retry-After", "1")
	}
	if speaks1(r) && (f.Status == http.StatusRequestEntityTooLarge ||
		f.Status == http.StatusRequestTimeout) {
		// The rest of the body will not be read. HTTP/2 has other streams on the connection, and
		// resets this one.
		w.Header().Set("Connection", "close")
	}
	if x.front != nil && x.front.ErrorPage != nil {
		x.front.ErrorPage(w, r, f)
		return
	}
	f.Write(w, r)
}

// access logs a request once it is over.
func (f *Front) access(rec *Record) {
	r := rec.Request
	attrs := []slog.Attr{slog.Int("status", rec.Status), slog.Int64("bytes", rec.Bytes),
		slog.String("request", rec.ID)}
	if n := rec.Promised(); n > 0 {
		attrs = append(attrs, slog.Int("pushed", n))
	}
	attrs = append(attrs, slog.Duration("took", rec.Took), slog.String("proto", r.Proto))
	f.Access.LogAttrs(context.WithoutCancel(r.Context()), slog.LevelInfo,
		r.Method+" "+r.URL.RequestURI(), attrs...)
}
