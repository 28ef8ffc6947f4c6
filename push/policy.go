package push

import (
	"context"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"
)

// A Policy says what may be promised and hinted. The zero value is safe and works, and a nil
// *Policy is one that all of the process share. Limits that go beyond one response hold for all
// that have the same Policy. It must not be copied or changed after its first use, and is safe for
// concurrent use.
type Policy struct {
	// Off makes no promises at all. Hints are sent as to a client that takes none.
	Off bool
	// MaxPromises is how many promises a response may have; twice as many answers may be worked on
	// to find them. Zero means 10, negative none.
	MaxPromises int
	// MaxPerConnection is how many promises may be under way on a connection. Zero means 32.
	MaxPerConnection int
	// MaxOpen is how many promises may be under way on all connections. Zero means 1024.
	MaxOpen int
	// MaxResourceBytes is how many bytes the body of a promised response may have. Zero means 4
	// MiB.
	MaxResourceBytes int64
	// MaxResponseBytes is how many bytes the bodies of all that is promised with a response may
	// have. Zero means 8 MiB.
	MaxResponseBytes int64
	// MaxOpenBytes is how many bytes of promised bodies may be held on all connections. Zero means
	// 64 MiB.
	MaxOpenBytes int64
	// VerifyTimeout is how long a page waits for the answer to a request that may be promised. For
	// all of them together it waits four times as long. Zero means 500 milliseconds.
	VerifyTimeout time.Duration
	// MaxVerifying is how many such answers may be worked on at once. Zero means 64, negative none.
	MaxVerifying int

	// NoHints sends no 103.
	NoHints bool
	// HintHTTP1 sends 103s over HTTP/1.1 too. Some clients take one for the response: RFC 8297,
	// section 3.
	HintHTTP1 bool

	// Map, if not nil, is asked for the resources of each page, before its handler runs.
	Map *Map
	// Recorder, if not nil, learns from what clients ask for.
	Recorder *Recorder
	// Memory, if not nil, remembers clients across connections.
	Memory *Memory

	// Observe, if not nil, is called with the page's request and each verdict. It must not block,
	// nor use the page's plan.
	Observe func(*http.Request, Verdict)
	// Logger receives each verdict, at level debug. Nil means slog.Default().
	Logger *slog.Logger

	verifying atomic.Int64
	open      atomic.Int64 // promises that are not settled
	openBytes atomic.Int64 // of their bodies
	serial    atomic.Uint64
}

// processPolicy is the Policy of all Handlers that have none of their own.
var processPolicy Policy

func (p *Policy) maxPromises() int        { return max(0, orDefault(p.MaxPromises, 10)) }
func (p *Policy) maxRuns() int            { return 2 * p.maxPromises() }
func (p *Policy) maxResourceBytes() int64 { return orDefault(p.MaxResourceBytes, 4<<20) }
func (p *Policy) maxResponseBytes() int64 { return orDefault(p.MaxResponseBytes, 8<<20) }
func (p *Policy) maxOpenBytes() int64     { return orDefault(p.MaxOpenBytes, 64<<20) }
func (p *Policy) verifyTimeout() time.Duration {
	return orDefault(p.VerifyTimeout, 500*time.Millisecond)
}

func orDefault[T int | int64 | time.Duration](v, otherwise T) T {
	if v == 0 {
		return otherwise
	}
	return v
}

// busy reports whether there is something to do for each page, even if it asks for nothing.
func (p *Policy) busy() bool { return p.Map != nil || p.Recorder != nil || p.Memory.on() }

// tryVerifying reports whether one more answer may be worked on. If so, endVerifying must follow.
func (p *Policy) tryVerifying() bool {
	if p.verifying.Add(1) > int64(orDefault(p.MaxVerifying, 64)) {
		p.endVerifying()
		return false
	}
	return true
}

func (p *Policy) endVerifying() { p.verifying.Add(-1) }

// reserve reserves a place for a promise on the connection c, which allows left more, or returns
// the limit that forbids it. What it reserves is given back by release, or when the promise is
// settled.
func (p *Policy) reserve(c *connection, left int) refusal {
	unmade, onConnection, open := c.unmade.Add(1), c.open.Add(1), p.open.Add(1)
	var no refusal
	switch {
	case unmade > int64(left):
		no = refusal{Limit, ""}
	case onConnection > int64(orDefault(p.MaxPerConnection, 32)):
		no = refusal{Limit, "too many promises are under way on the connection"}
	case open > int64(orDefault(p.MaxOpen, 1024)):
		no = refusal{Limit, "too many promises are under way"}
	case p.openBytes.Load() >= p.maxOpenBytes():
		no = tooManyBytes
	}
	if no.refused() {
		p.release(c, 0)
	}
	return no
}

var tooManyBytes = refusal{Budget, "too many promised bytes are under way"}

// reserveBytes reserves room for the n bytes of a promise that has a place, or returns the limit
// that forbids it.
func (p *Policy) reserveBytes(n int64) refusal {
	if p.openBytes.Add(n) > p.maxOpenBytes() {
		p.openBytes.Add(-n)
		return tooManyBytes
	}
	return refusal{}
}

// release gives back the place of a promise that is not made, and its n bytes.
func (p *Policy) release(c *connection, n int64) {
	c.unmade.Add(-1)
	p.settled(c, n)
}

// settled gives back the place of a promise that was made, and its n bytes.
func (p *Policy) settled(c *connection, n int64) {
	c.open.Add(-1)
	p.open.Add(-1)
	p.openBytes.Add(-n)
}

// report gives a verdict to those who want to know it.
func (p *Policy) report(r *http.Request, v Verdict) {
	if p.Observe != nil {
		p.Observe(r, v)
	}
	logger := p.Logger
	if logger == nil {
		logger = slog.Default()
	}
	if logger.Enabled(r.Context(), slog.LevelDebug) {
		logger.LogAttrs(context.WithoutCancel(r.Context()), slog.LevelDebug, "push",
			slog.String("page", r.RequestURI), slog.Any("verdict", v))
	}
}
