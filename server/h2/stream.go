package h2

import (
	"context"
	"net/http"
	"net/url"
	"runtime"
)

// A stream is one request and its response. It is made whole, in one allocation,
// when the request has come, and never reused: a handler may keep its http.Request,
// and with it the URL and context that are part of this.
//
// The reader makes it, or, for a promise, the handler of the page does. It is in
// the connection's table from open to close. A worker runs its handler meanwhile,
// which may go on after close: what it then does with request and response fails,
// or does nothing.
//
// Ownership:
//   - c and id do not change, and neither does what request and promise say.
//   - workers.mu guards slot.
//   - w has a lock of its own.
//   - c.mu guards the rest.
//
// Methods are called with c.mu held, unless they say otherwise.
type stream struct {
	c  *conn
	id uint32

	req     request
	promise promise
	page    page
	state   streamState
	flow    flow
	out     outgoing
	times   deadlines
	turn    turn

	slot bool // it is one of those that workers.handlers counts
	w    response
}

// A request is what the handler of a stream is given. It is complete before the
// stream is opened, and does not change then, but for trailer; r and cost are
// dropped when the handler has returned, while its response may still wait for the
// client.
type request struct {
	method  string
	host    string
	refused int           // the status of a request that no handler sees
	r       *http.Request // nil if it is refused
	cost    int           // what r's fields take: see headerMemory
	url     url.URL       // r.URL, if nothing of it had to be decoded
	ctx     streamContext // r.Context(); it has its own lock
	body    *body         // r.Body; nil if the request has none. It has its own lock
	trailer http.Header   // the trailers that came, until the handler has read the body
}

// A promise is what only a promised stream has. Nothing of it changes, but answer
// is let go of when the stream is closed.
type promise struct {
	parent   *stream     // the page; nil if the stream is the client's
	critical bool        // it is sent before the page
	answer   *answer     // nil if the server's handler answers
	settled  func(error) // see Promiser; may be nil
}

// A page is what only a stream on which promises were made has. The scheduler lets
// it go before them.
type page struct {
	promises int   // how many
	lastSent int64 // when something of the page went into the output
}

// A streamState is the state of a stream: RFC 9113, section 5.1. A closed stream is
// in the connection's table no more, and nothing waits for it or is sent on it.
type streamState struct {
	remoteDone  bool // END_STREAM has come
	localDone   bool // END_STREAM is in the output
	headersSent bool // of the final response
	begun       bool // the handler has been called, and may have the request
	closed      bool
	err         error // set with closed: what the handler is told
}

// outgoing is the DATA of a stream that waits for its windows, for room in the
// output, or for its turn. The handler that wrote it waits too, so data is not a
// copy. For what ends a response nobody waits: it is a prepared answer, or a copy of
// what the handler has left when it returned.
type outgoing struct {
	data     []byte
	pooled   *[]byte     // where data is, if it is a copy; from chunks
	end      bool        // the response ends with data, or with the trailers
	trailers []wireField // that follow data
	short    bool        // it is less than was declared: a reset follows data
	blocked  bool        // a goroutine waits for wake
	wake     chan struct{}
}

// deadlines are the times of a stream; 0 is none. The clock looks at them.
type deadlines struct {
	read  int64 // when the request's body must be there
	write int64 // when the response must be in the output
	stall int64 // when the client must have opened the stream's window
}

// wait waits for a signal. c.mu is held, but not while it waits. At most one
// goroutine waits on a stream: the one that holds the lock of its response.
func (st *stream) wait() {
	if st.out.wake == nil {
		st.out.wake = make(chan struct{}, 1)
	}
	st.out.blocked = true
	st.c.mu.Unlock()
	<-st.out.wake
	st.c.mu.Lock()
	st.out.blocked = false
}

// signal ends a wait, if there is one. It does not block. Callers of wait check
// what they wait for again, so a signal too many does no harm.
func (st *stream) signal() {
	st.c.mu.held()
	if st.out.blocked {
		select {
		case st.out.wake <- struct{}{}:
		default:
		}
	}
}

// run runs the handler, as a task of a worker, and so without c.mu.
func (st *stream) run(w *worker) {
	c := st.c
	c.mu.Lock()
	closed := st.state.closed
	st.state.begun = !closed
	c.mu.Unlock()
	w.st = st
	switch {
	case closed:
		// It was reset while it was queued: no handler runs, but its place is free.
		c.mu.Lock()
		c.handlerEnded()
		c.mu.Unlock()
	case st.req.refused != 0:
		st.w.start(st, &w.scratch)
		st.w.refuse(st.req.refused)
		if st.w.finish() {
			w.flush = c
		}
	default:
		st.w.start(st, &w.scratch)
		if st.call() && st.w.finish() {
			// The worker writes, after it has given back the handler's slot.
			w.flush = c
		}
		st.req.ctx.cancel(context.Canceled)
	}
	if st.req.body != nil {
		st.req.body.Close() // what was not read goes back to the connection's window
	}
}

// call calls the handler, and reports whether it returned. If it did not, the
// stream is reset, so that the client does not take what it has for a whole
// response. A panic is logged, unless it is http.ErrAbortHandler. It is called
// without c.mu.
func (st *stream) call() (returned bool) {
	r := st.req.r
	defer func() {
		// As net/http does: the files of a parsed form are the handler's until it
		// returns.
		if r.MultipartForm != nil {
			r.MultipartForm.RemoveAll()
		}
		if returned {
			return
		}
		// After runtime.Goexit there is nothing to recover.
		if v := recover(); v != nil && v != http.ErrAbortHandler {
			buf := make([]byte, 64<<10)
			buf = buf[:runtime.Stack(buf, false)]
			logf(st.c.hs, "h2: panic serving %s: %v\n%s", st.c.remote, v, buf)
		}
		st.w.abort()
		st.req.ctx.cancel(context.Canceled)
	}()
	st.c.handler.ServeHTTP(&st.w, r)
	return true
}
