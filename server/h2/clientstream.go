package h2

import (
	"context"
	"net/http"
	"slices"

	"golang.org/x/net/http2"
)

// A clientStream is a request that is made, its response and the response's body. It is
// one allocation, and never reused, since whoever has the response has it too.
//
// c, r, head and interim do not change. res and body belong to the goroutine that
// makes the request, once answered is set, and to the reader before. c.mu guards the
// rest but stop; answered, bodiless and declared are written by the reader only.
type clientStream struct {
	c       *ClientConn
	r       *http.Request
	head    bool  // the method is HEAD: the response has no body
	interim bool  // somebody wants to see interim responses
	waiter  waker // for the response, or for its body

	id       uint32
	admitted bool // it may be opened
	closed   bool // it is in the connection's table no more
	ended    bool // all of the response has come
	err      error
	in       inflow
	out      outflow
	sending  clientSending

	interims []interim // that nobody has seen yet
	pending  int       // what they take
	answered bool      // the header of the final response has come
	bodiless bool      // the response has none, whatever its length says
	shut     bool      // nobody reads the body any more
	declared int64     // what content-length says; -1: nothing
	came     int64
	chunks   chunkList // what was not fetched of the body
	piece    [1]chunk  // room for the first of them
	trailer  http.Header

	res  http.Response
	body responseBody
	stop func() bool // of the watch on the request's context; set before the response is had
}

// An interim is a response before the final one. RFC 9110, section 15.2.
type interim struct {
	status int
	header http.Header
}

// mayBegin is why no stream may be begun, or nil.
func (c *ClientConn) mayBegin() error {
	switch {
	case c.going != nil:
		return unprocessed(c.going)
	case c.nextID > maxStreamID:
		c.leave(errIDs)
		return unprocessed(errIDs)
	}
	return nil
}

// enter waits until st may be opened: until the server allows one more, and the output
// has room for its header. mu is held, but released while it waits. If it returns no
// error, the caller opens st before it releases mu.
func (c *ClientConn) enter(ctx context.Context, st *clientStream) error {
	c.mu.held()
	if len(c.queue) == 0 && c.hasPlace() {
		st.admitted = true
		c.reserved++
	} else {
		c.queue = append(c.queue, st)
	}
	for {
		if err := c.mayBegin(); err != nil {
			c.giveUp(st)
			return err
		}
		if st.admitted {
			if c.out.room() > 0 {
				c.reserved--
				return nil
			}
			c.out.enlist(&st.waiter)
		}
		c.mu.Unlock()
		var err error
		select {
		case <-st.waiter.c:
		case <-ctx.Done():
			err = ctx.Err()
		}
		c.mu.Lock()
		if err != nil {
			c.giveUp(st)
			return err
		}
	}
}

// hasPlace reports whether the server allows one more stream.
func (c *ClientConn) hasPlace() bool {
	return uint64(len(c.streams)+c.reserved) < uint64(c.peer.streams)
}

// giveUp lets go of the place of st, or of its place in the queue.
func (c *ClientConn) giveUp(st *clientStream) {
	if st.waiter.listed {
		c.out.delist(&st.waiter)
	}
	if st.admitted {
		c.reserved--
		c.admit()
		return
	}
	if i := slices.Index(c.queue, st); i >= 0 {
		c.queue = slices.Delete(c.queue, i, i+1)
	}
}

// admit admits those who wait for a place, as far as there are any, and ends a connection
// that nobody has a place on, and nobody may get one.
func (c *ClientConn) admit() {
	c.mu.held()
	for len(c.queue) > 0 && c.going == nil && c.hasPlace() {
		st := c.queue[0]
		c.queue[0] = nil
		c.queue = c.queue[1:]
		st.admitted = true
		c.reserved++
		st.waiter.wake()
	}
	c.closeIfDrained()
}

// open opens st, and sends its header.
func (c *ClientConn) open(st *clientStream, h *requestHead, end bool) {
	c.mu.held()
	st.id = c.nextID
	c.nextID += 2
	c.streams[st.id] = st
	st.in.init(c.window)
	st.out.n = c.peer.window
	st.sending.done = end
	c.sendHead(st.id, h, end)
	c.scheduleWrite()
}

// close takes st out of the table. A nil err means that all of the response has come;
// any other is what whoever waits for it, or reads it, is told. It may be called again,
// which does nothing.
func (c *ClientConn) close(st *clientStream, err error) {
	c.mu.held()
	if st.closed {
		return
	}
	st.closed = true
	st.err = err
	delete(c.streams, st.id)
	c.closed.add(st.id, err)
	st.stopSending()
	st.waiter.wake()
	c.admit()
}

// reset closes st, and tells the server so.
func (c *ClientConn) reset(st *clientStream, code http2.ErrCode, err error) {
	c.mu.held()
	if st.closed {
		return
	}
	c.out.reset(st.id, code)
	c.close(st, err)
	c.scheduleWrite()
}

// end ends the server's side of st, whose END_STREAM has come. What is left of the
// request's body, if anything, nobody waits for: the stream is reset, which tells the
// server so.
func (c *ClientConn) end(st *clientStream) {
	c.mu.held()
	st.ended = true
	c.reader.ended++
	if st.sending.done {
		c.close(st, nil)
		return
	}
	c.out.reset(st.id, http2.ErrCodeCancel)
	c.scheduleWrite()
	c.close(st, nil)
	// The server's frames may still be under way.
	c.closed.add(st.id, ResetError{Code: http2.ErrCodeCancel})
}

// cancel resets st because its context has ended. It locks c.mu.
func (st *clientStream) cancel() {
	st.c.mu.Lock()
	defer st.c.mu.Unlock()
	st.c.reset(st, http2.ErrCodeCancel, st.r.Context().Err())
}

// await waits for the final response, and has see called with those before. It locks
// c.mu.
func (st *clientStream) await(see func(int, http.Header) error) (*http.Response, error) {
	c, ctx := st.c, st.r.Context()
	for {
		select {
		case <-st.waiter.c:
		case <-ctx.Done():
			st.cancel()
		}
		c.mu.Lock()
		if err := st.show(see); err != nil {
			c.reset(st, http2.ErrCodeCancel, err)
			c.mu.Unlock()
			return nil, err
		}
		if st.answered || st.closed {
			break
		}
		c.mu.Unlock()
	}
	if !st.answered {
		defer c.mu.Unlock()
		return nil, st.err
	}
	st.body.fetch()
	watch := !st.closed && ctx.Done() != nil
	c.mu.Unlock()
	if watch {
		st.stop = context.AfterFunc(ctx, st.cancel)
	}
	return &st.res, nil
}

// unwatch ends the watch on the request's context, which has served. It needs no lock.
func (st *clientStream) unwatch() {
	if st.stop != nil {
		st.stop()
	}
}

// show calls see with the interim responses that have come, without c.mu.
func (st *clientStream) show(see func(int, http.Header) error) error {
	c := st.c
	for len(st.interims) > 0 && (st.answered || !st.closed) {
		seen := st.interims
		st.interims, st.pending = nil, 0
		c.mu.Unlock()
		for _, i := range seen {
			if err := see(i.status, i.header); err != nil {
				c.mu.Lock()
				return err
			}
		}
		c.mu.Lock()
	}
	return nil
}
