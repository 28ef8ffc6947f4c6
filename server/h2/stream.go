package h2

import (
	"context"
	"net/http"
	"net/url"
	"runtime"
)

// A stream is one request and its response. It is made whole, in one allocation, when the request has
// come, and never reused: a handler may keep its http.Request.
//
// What does not change is c, id, and of the groups what they say. slot belongs to workers.mu, w to its
// own lock and the handler. Everything else is guarded by c.mu. Methods say it if they are called
// without.
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

	slot bool // it is one of the handlers that workers.handlers counts
	w    response
}

// A request is what a handler is given. It is made by the reader, or for a promise by the handler of the
// page, before anybody else knows of the stream; after that only trailer changes.
type request struct {
	method  string
	refused int           // the status of a request that no handler sees
	r       *http.Request // nil if it is refused
	url     url.URL       // r.URL
	ctx     streamContext // r.Context(); it has its own lock
	body    *body         // r.Body; nil: the request has none. It has its own lock
	trailer http.Header   // as it came, until the handler has read the body
}

// A promise is what only a promised stream has. parent and critical do not change; answer and settled
// go with the stream's end.
type promise struct {
	parent   *stream // the page; nil: the client has asked itself
	critical bool    // it goes before the page
	answer   *answer // nil: the server's handler answers
	settled  func(error)
}

// A page is what only a stream has on which promises were made: what they give way to.
type page struct {
	promises int
	lastSent int64 // when something of the page went into the output
}

// A streamState is how far a stream is: RFC 9113, section 5.1. Once closed, it is in the connection's
// table no more, and nothing is sent or waits for it.
type streamState struct {
	remoteDone  bool // END_STREAM has come
	localDone   bool // END_STREAM is in the output
	headersSent bool // of the final response
	closed      bool
	err         error // why it is closed; what its handler is told
}

// An outgoing is what a handler has given to be sent and the windows or the output have had no room for
// yet. The bytes are the handler's own, which waits until there are none left; but for an answer that
// was ready, for which nobody waits.
type outgoing struct {
	data    []byte
	end     bool // END_STREAM goes with the last byte
	blocked bool // somebody waits for wake
	wake    chan struct{}
}

// deadlines are when something must have happened, if they are not 0.
type deadlines struct {
	read  int64 // the request's body must be there
	write int64 // the response must be in the output
	stall int64 // the client must have opened its windows
}

// wait waits for a signal. c.mu is held, but not while it waits.
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

// signal ends a wait. It may come too often: who waits looks whether it still has to.
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
	c.mu.Unlock()
	w.st = st
	switch {
	case closed:
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
			w.flush = c
		}
		st.req.ctx.cancel(context.Canceled)
		if st.req.r.MultipartForm != nil {
			st.req.r.MultipartForm.RemoveAll()
		}
	}
	if st.req.body != nil {
		st.req.body.Close()
	}
}

// call calls the handler, and reports whether it returned. One that did not has its stream reset, and if
// it panicked, is logged, unless it is with http.ErrAbortHandler. It is called without c.mu.
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
		st.req.ctx.cancel(context.Canceled)
	}()
	st.c.handler.ServeHTTP(&st.w, st.req.r)
	return true
}
