package h2

import (
	"context"
	"net/http"
	"net/url"
	"runtime"
	"slices"

	"golang.org/x/net/http2"
)

// A stream is one request and its response. It is made whole, in one allocation, when the request
// has come, and never reused: a handler may keep its http.Request.
type stream struct {
	c        *conn
	id       uint32
	method   string
	parent   *stream // of a promised stream
	critical bool
	refused  int // the status of a request that no handler sees

	// c.mu guards these.
	window      int32
	received    inflow
	remoteDone  bool // END_STREAM has come
	localDone   bool // END_STREAM is sent
	headersSent bool
	dead        bool  // the connection has forgotten it
	err         error // why
	pending     []byte
	pendingEnd  bool
	waiting     bool
	wake        chan struct{}
	readBy      int64
	writeBy     int64
	stallBy     int64 // the client must have opened its windows
	lastSent    int64 // DATA of a page that has promises
	promises    int   // made on it
	prepared    *answer
	settled     func(error)
	trailer     http.Header // of the request, as it came
	priority

	slot bool // it counts among the handlers that run; workers.mu guards it

	// The scheduler's.
	scheduled  bool
	at         int8
	prev, next *stream

	ctx streamContext
	url url.URL
	req *http.Request
	in  *body // nil: the request has none
	w   response
}

// wait waits for a signal; c.mu is held, but not while it waits.
func (st *stream) wait() {
	if st.wake == nil {
		st.wake = make(chan struct{}, 1)
	}
	st.waiting = true
	st.c.mu.Unlock()
	<-st.wake
	st.c.mu.Lock()
	st.waiting = false
}

// signal ends a wait; c.mu is held.
func (st *stream) signal() {
	if st.waiting {
		select {
		case st.wake <- struct{}{}:
		default:
		}
	}
}

// run runs the handler, as a task.
func (st *stream) run(w *worker) {
	c := st.c
	c.mu.Lock()
	dead := st.dead
	c.mu.Unlock()
	w.st = st
	switch {
	case dead:
		c.mu.Lock()
		c.handlerEnded()
		c.mu.Unlock()
	case st.refused != 0:
		st.w.start(st, &w.scratch)
		st.w.refuse(st.refused)
		if st.w.finish() {
			w.flush = c
		}
	default:
		st.w.start(st, &w.scratch)
		if st.call() && st.w.finish() {
			w.flush = c
		}
		st.ctx.cancel(context.Canceled)
		if st.req.MultipartForm != nil {
			st.req.MultipartForm.RemoveAll()
		}
	}
	if st.in != nil {
		st.in.Close()
	}
}

// call calls the handler, and says if it returned. One that did not has its stream reset.
func (st *stream) call() (returned bool) {
	defer func() {
		if returned {
			return
		}
		if v := recover(); v != nil && v != http.ErrAbortHandler {
			buf := make([]byte, 64<<10)
			buf = buf[:runtime.Stack(buf, false)]
			logf(st.c.hs, "h2: panic serving %s: %v\n%s", st.c.remote, v, buf)
		}
		st.w.abort()
		st.ctx.cancel(context.Canceled)
	}()
	st.c.handler.ServeHTTP(&st.w, st.req)
	return true
}

// begin opens st, and queues its handler.
func (c *conn) begin(st *stream) {
	c.mu.Lock()
	st.window = c.peerWindow
	st.received.init(c.lim.streamWindow)
	if !st.priority.explicit && !c.aware {
		st.priority.incremental = true // fair to those who do not say
	} else if st.priority.explicit {
		c.aware = true
	}
	c.open(st)
	c.setDeadlines(st)
	if c.handlers < c.lim.streams {
		c.handlers++
		c.batch = append(c.batch, st)
	} else {
		if len(c.waiting) > 2*c.lim.streams {
			c.waiting = slices.DeleteFunc(c.waiting, func(st *stream) bool { return st.dead })
		}
		c.waiting = append(c.waiting, st)
	}
	c.mu.Unlock()
}

// handlerEnded lets the next request that waits have a handler; mu is held.
func (c *conn) handlerEnded() {
	c.handlers--
	for len(c.waiting) > 0 && c.handlers < c.lim.streams {
		st := c.waiting[0]
		c.waiting[0] = nil
		c.waiting = c.waiting[1:]
		if !st.dead {
			c.handlers++
			c.srv.workers.submit([]*stream{st}, nil)
		}
	}
	if len(c.waiting) == 0 {
		c.waiting = nil
	}
}

// handleTrailers handles a field block on a stream that was opened before: the trailers of a
// request, or an error.
func (c *conn) handleTrailers(id uint32) error {
	b := &c.block
	c.mu.Lock()
	st := c.streams[id]
	how := c.closed.how(id)
	done := st != nil && st.remoteDone
	c.mu.Unlock()
	switch {
	case st == nil && how == byServer:
		return nil // it may have been under way
	case st == nil && how == byClient:
		return streamError{id, http2.ErrCodeStreamClosed, "HEADERS on a stream that the client reset"}
	case st == nil && how == byEnd:
		// RFC 9113, section 5.1.
		return connError{http2.ErrCodeStreamClosed, "HEADERS on a closed stream"}
	case st == nil:
		// RFC 9113, section 5.1.1.
		return protocolError("HEADERS on a stream below others")
	case done:
		return streamError{id, http2.ErrCodeStreamClosed, "HEADERS after END_STREAM"}
	case !b.end:
		// RFC 9113, section 8.1.
		return streamError{id, http2.ErrCodeProtocol, "trailers without END_STREAM"}
	case b.tooLarge:
		return streamError{id, http2.ErrCodeEnhanceYourCalm, "trailers that are too large"}
	}
	trailer := http.Header{}
	for _, f := range b.fields {
		// RFC 9113, section 8.1: no pseudo-fields in trailers.
		name, reason := checkField(f)
		if reason != "" {
			return streamError{id, http2.ErrCodeProtocol, reason}
		}
		trailer[name] = append(trailer[name], f.Value)
	}
	c.mu.Lock()
	st.trailer = trailer
	c.mu.Unlock()
	return c.endBody(st)
}

// giveTrailers gives the handler the trailers that the request announced; it runs in the handler's
// Read, before it returns io.EOF.
func (st *stream) giveTrailers() {
	st.c.mu.Lock()
	trailer := st.trailer
	st.trailer = nil
	st.c.mu.Unlock()
	for name, values := range trailer {
		if _, ok := st.req.Trailer[name]; ok {
			st.req.Trailer[name] = values
		}
	}
}

// refuse prepares st for an answer without a handler.
func (st *stream) refuse(status int, b *block) {
	st.refused = status
	for _, f := range b.fields {
		if f.Name == ":method" {
			st.method = f.Value
		}
	}
	st.ctx.parent = st.c.ctx
	if !b.end {
		st.in = &body{st: st, declared: -1, shut: true}
		st.in.wake.L = &st.in.mu
	}
}

// How a stream was closed.
const (
	byUnknown = iota // or long ago
	byEnd            // both sides had ended
	byServer         // the server reset it: the client's frames may still be under way
	byClient         // the client reset it
)

// A graveyard remembers the streams that were closed last, and how, because what an endpoint has to
// say about frames that come late depends on it. RFC 9113, section 5.1.
type graveyard struct {
	ring []grave
	next int
}

type grave struct {
	id  uint32
	how uint8
}

// maxGraves is more than the streams of a client that opens many before it knows how many it may.
const maxGraves = 512

func (g *graveyard) add(id uint32, err error) {
	k := grave{id, byServer}
	if err == nil {
		k.how = byEnd
	} else if r, ok := err.(ResetError); ok && r.Remote {
		k.how = byClient
	}
	if len(g.ring) < maxGraves {
		g.ring = append(g.ring, k)
		return
	}
	g.ring[g.next] = k
	g.next = (g.next + 1) % maxGraves
}

// how says how id was closed when it was last.
func (g *graveyard) how(id uint32) uint8 {
	for i := len(g.ring) - 1; i >= 0; i-- {
		if k := g.ring[(g.next+i)%len(g.ring)]; k.id == id {
			return k.how
		}
	}
	return byUnknown
}
