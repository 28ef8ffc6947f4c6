// Package push decides which responses a client gets before it asks for them, and how it is told: by an HTTP/2
// promise that carries the response, by a 103 that hints at it, or by the Link field of the page alone.
//
// # The model
//
// A [Plan] goes with each request. Resources come to it from four sources: an explicit call, a Link field of the final
// response, one of an early hint, and the [Map] of resources for the page. Each is a candidate, and each
// candidate gets exactly one [Verdict]:
//
//	promised   the client takes promises: a PUSH_PROMISE goes out before what refers to it, the response follows
//	hinted     it does not, or this one cannot be promised, and the page has not begun: a 103 names it
//	linked     it does not, and the page begins: its Link field names it
//	skipped    neither, for a reason: nopush, anchor, foreign, self, diary, limit, budget, status, method,
//	           disabled, invalid, unverified, conditional
//
// Whatever names the same resource twice, in a call, a 103 and the final response, is one candidate.
//
// What is promised is known. The site's handler runs the promised request first, into a buffer and within a
// deadline, and only a whole 200 that the client may keep, that sets no cookie, and that depends on nothing but what was
// copied from the page's request is promised, with that very answer. A 404, a redirect or a login page never is. The
// run is a part of the page's request.
//
// What the client has is not sent again. The diary of its connection knows what was sent, asked for or promised, in
// which state (ETag, Last-Modified, or a hash of the body); while that is fresh by its own Cache-Control nothing is
// run, otherwise the states are compared. A promise that the client refuses is forgotten. A [Memory] is
// the same across connections, by a signed cookie, for those who want it.
//
// # Use
//
// [Handler] wraps any http.Handler. It needs a server whose connections it can promise on, which is one whose
// http.ResponseWriter is a [Promiser]; on any other it hints. Its zero value with Next set works:
//
//	http.Server{Handler: &push.Handler{Next: mux}}
//
// A handler that wants to promise before it has its page does so by [From]:
//
//	push.From(w).Push(push.Resource{Target: "/app.css"})
//
// The package knows no server and no script; it needs net/http only.
package push

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// A Promiser is what the package needs of a connection. The http.ResponseWriter of a request is one, or one that its
// Unwrap methods lead to. Its methods are safe for concurrent use, and for use after the handler has returned.
type Promiser interface {
	// Promises reports whether the client accepts promises on this response now, and how many more
	// the client and the server allow.
	Promises() (n int, ok bool)
	// Promise promises the request r, which is for the origin of the page, and answers it with status 200, header and body,
	// none of which is changed any more. The PUSH_PROMISE precedes all that is sent for the page afterwards. The
	// body gives way to the page's, unless it is critical: then it goes before it.
	//
	// If Promise returns no error, settled is called from any goroutine: with nil when all was sent, else with what kept it from
	// that, a reset by the client among others; and perhaps once more with an error, if the client resets what
	// was sent. It does not block. If there is an error, no promise was made, and more will not be accepted on this response.
	Promise(r *http.Request, header http.Header, body []byte, critical bool, settled func(error)) error
	// Session is where the package keeps what it knows of the connection. It lives as long as that.
	Session() *sync.Map
}

// A session is what is known of a connection.
type session struct {
	diary diary
	open  atomic.Int64 // promises that are not settled
}

type sessionKey struct{}

func sessionOf(c Promiser) *session {
	m := c.Session()
	if s, ok := m.Load(sessionKey{}); ok {
		return s.(*session)
	}
	s, _ := m.LoadOrStore(sessionKey{}, new(session))
	return s.(*session)
}

// A Policy says what may be promised and hinted. The zero value is safe and works, and a nil *Policy is one that all of the process
// share. Limits that go beyond one response hold for all that have the same Policy. It must not be copied or changed
// after its first use, and is safe for concurrent use.
type Policy struct {
	// Off makes no promises at all. Hints are sent as to a client that takes none.
	Off bool
	// Promises is how many promises a response may have. Zero means 10.
	Promises int
	// Connection is how many promises may be under way on a connection. Zero means 32.
	Connection int
	// Total is how many promises may be under way on all connections. Zero means 1024.
	Total int
	// Resource is how many bytes the body of a promised response may have. Zero means 4 MiB.
	Resource int64
	// Bytes is how many bytes the bodies of all that is promised for a response may have. Zero means 8 MiB.
	Bytes int64
	// TotalBytes is how many bytes of promised bodies may be held on all connections. Zero means 64 MiB.
	TotalBytes int64
	// Patience is how long a page waits for the answer to a request that may be promised. For all of them together it
	// waits four times as long. Zero means 500 milliseconds.
	Patience time.Duration
	// Verifying is how many such answers may be worked on at once. Zero means 64.
	Verifying int

	// NoHints sends no 103.
	NoHints bool
	// HintHTTP1 sends 103s over HTTP/1.1 too. Clients are known that take one for the response: RFC 8297, section 3.
	HintHTTP1 bool

	// Map, if not nil, is asked for the resources of each page, before its handler runs.
	Map *Map
	// Recorder, if not nil, learns from what clients ask for.
	Recorder *Recorder
	// Memory, if not nil, remembers clients across connections.
	Memory *Memory

	// Observe, if not nil, is told each verdict. It must not block.
	Observe func(*http.Request, Verdict)
	// Logger receives each verdict, at level debug. Nil means slog.Default().
	Logger *slog.Logger

	verifying atomic.Int64
	open      atomic.Int64
	held      atomic.Int64 // bytes
	serial    atomic.Uint64
	slow      diary // what took too long, for slowFor
}

// slowFor is how long a page does not wait again for what took too long.
const slowFor = 10 * time.Second

var processPolicy Policy

func (p *Policy) promises() int                { return orDefault(p.Promises, 10) }
func (p *Policy) resource() int64              { return orDefault(p.Resource, 4<<20) }
func (p *Policy) bytes() int64                 { return orDefault(p.Bytes, 8<<20) }
func (p *Policy) verifyTimeout() time.Duration { return orDefault(p.Patience, 500*time.Millisecond) }

func orDefault[T int | int64 | time.Duration](v, otherwise T) T {
	if v == 0 {
		return otherwise
	}
	return v
}

// begin takes what it needs to run a handler once more, and never waits for it.
func (p *Policy) begin() (release func(), ok bool) {
	if p.verifying.Add(1) > int64(orDefault(p.Verifying, 64)) {
		p.verifying.Add(-1)
		return nil, false
	}
	return func() { p.verifying.Add(-1) }, true
}

// hold takes room for a promise of n bytes on the connection with the session s, and reports what there is too little of.
func (p *Policy) hold(s *session, n int64) (release func(), reason Reason, detail string) {
	open, all, held := s.open.Add(1), p.open.Add(1), p.held.Add(n)
	var once atomic.Bool
	release = func() {
		if once.CompareAndSwap(false, true) {
			s.open.Add(-1)
			p.open.Add(-1)
			p.held.Add(-n)
		}
	}
	switch {
	case open > int64(orDefault(p.Connection, 32)):
		reason, detail = Limit, "too many promises are under way on the connection"
	case all > int64(orDefault(p.Total, 1024)):
		reason, detail = Limit, "too many promises are under way"
	case held > orDefault(p.TotalBytes, 64<<20):
		reason, detail = Budget, "too many promised bytes are under way"
	default:
		return release, "", ""
	}
	release()
	return nil, reason, detail
}

// note makes a verdict known.
func (p *Policy) note(r *http.Request, v Verdict) {
	if p.Observe != nil {
		p.Observe(r, v)
	}
	logger := p.Logger
	if logger == nil {
		logger = slog.Default()
	}
	if logger.Enabled(r.Context(), slog.LevelDebug) {
		logger.LogAttrs(context.WithoutCancel(r.Context()), slog.LevelDebug, "push", slog.String("page", r.RequestURI), slog.Any("verdict", v))
	}
}
