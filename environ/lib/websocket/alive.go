package websocket

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// pongTimeout is how long a client may take to answer a ping, at most.
const pongTimeout = 20 * time.Second

// maxPings is how many pings of a client are answered in a second.
const maxPings = 100

// An alive finds out whether the client is still there: it is asked when it has been silent for a
// while.
type alive struct {
	heard atomic.Int64 // when something came last, in nanoseconds since epoch

	pings int       // of the client in the second since from; the reader's
	from  time.Time // the reader's

	mu    sync.Mutex
	timer *time.Timer // calls beat; nil when it is over
}

// epoch is what heard is counted from.
var epoch = time.Now()

func (a *alive) begin(w *socket) {
	a.hear()
	if w.stepped {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.timer = time.AfterFunc(w.app.ping, func() { a.beat(w) })
}

func (a *alive) end() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.timer != nil {
		a.timer.Stop()
	}
	a.timer = nil
}

// hear notes that something has come.
func (a *alive) hear() { a.heard.Store(int64(time.Since(epoch))) }

// pinged reports whether a ping of the client is to be answered. The library calls it when it reads
// one.
func (a *alive) pinged(context.Context, []byte) bool {
	a.hear()
	now := time.Now()
	if now.Sub(a.from) > time.Second {
		a.pings, a.from = 0, now
	}
	a.pings++
	return a.pings <= maxPings
}

// beat asks a silent client whether it is there, and closes the connection of one that is not. The
// timer calls it.
func (a *alive) beat(w *socket) {
	next := w.app.ping
	silent := time.Since(epoch) - time.Duration(a.heard.Load())
	switch {
	case silent < w.app.ping:
		next = w.app.ping - silent
	case w.sending.Load() > 0: // that has a time of its own
	case !w.reader.waits.Load():
		w.reader.start(w) // for the answer would not be read; the next beat asks
	case w.ask() != nil:
		_ = w.below.Close()
		return
	default:
		a.hear()
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.timer != nil && !w.shut.Load() {
		a.timer.Reset(next)
	}
}

// ask sends a ping and waits for the answer.
func (w *socket) ask() error {
	ctx, cancel := context.WithTimeout(context.Background(), min(pongTimeout, w.app.ping))
	defer cancel()
	return w.conn.Ping(ctx)
}
