package h2

import (
	"context"
	"net/http"
	"slices"

	"github.com/larkspur-web/larkspur/environ/wire"
	"golang.org/x/net/http2"
)

// A clientStream is a request that is made, its response and the response's body. It is
// one allocation, and never reused, since whoever has the response has it too.
//
// c, r, head, interim and listed do not change. res, fields and body belong to the goroutine that
// makes the request, once answered is set, and to the reader before. c.mu guards the
// rest but the watch; answered, bodiless and declared are written by the reader only.
type clientStream struct {
	c       *ClientConn
	r       *http.Request
	head    bool  // the method is HEAD: the response has no body
	interim bool  // somebody wants to see interim responses
	listed  bool  // the header of the final response is to be in fields
	waiter  waker // for the response, or for its body; before, for its place

	id       uint32
	admitted bool  // it may be opened
	closed   bool  // it is in the connection's table no more
	ended    bool  // all of the response has come
	err      error // set with closed, or before it is opened: the context has ended
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

	res    http.Response
	fields []wire.Field
	body   responseBody

	// The watch on the request's context: who made the request begins and ends it.
	joined *streamContext
	stop   func() bool
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
func (c *ClientConn) enter(st *clientStream) error {
	c.mu.held()
	if len(c.queue) == 0 && c.hasPlace() {
		st.admitted = true
		c.reserved++
	} else {
		c.queue = append(c.queue, st)
	}
	for {
		err := st.err
		if err == nil {
			err = c.mayBegin()
		}
		if err != nil {
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
		st.waiter.Wait()
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
	c.forgive()
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

// watch has st end when the context does. It needs no lock.
func (st *clientStream) watch(ctx context.Context) {
	if x, ok := ctx.(*streamContext); ok && x.join(st) {
		st.joined = x
	} else if ctx.Done() != nil {
		st.stop = context.AfterFunc(ctx, st.cancel)
	}
}

// unwatch ends the watch, which has served. It needs no lock.
func (st *clientStream) unwatch() {
	if st.joined != nil {
		st.joined.part(st)
	}
	if st.stop != nil {
		st.stop()
	}
}

// cancel resets st, or has it not be opened, because its context has ended. It locks
// c.mu.
func (st *clientStream) cancel() {
	c, err := st.c, st.r.Context().Err()
	c.mu.Lock()
	defer c.mu.Unlock()
	if st.id == 0 {
		st.err = err
		st.waiter.wake()
		return
	}
	c.reset(st, http2.ErrCodeCancel, err)
}

// await waits for the final response, and has see called with those before. It locks
// c.mu.
func (st *clientStream) await(see func(int, http.Header) error) error {
	c := st.c
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		if err := st.show(see); err != nil {
			c.reset(st, http2.ErrCodeCancel, err)
			st.unwatch()
			return err
		}
		if st.answered || st.closed {
			break
		}
		st.waiter.Wait()
	}
	if st.closed {
		st.unwatch()
	}
	if !st.answered {
		return st.err
	}
	st.body.fetch()
	return nil
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
