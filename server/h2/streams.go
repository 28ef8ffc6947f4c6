package h2

import (
	"context"
	"net/http"

	"golang.org/x/net/http2"
)

// A streamTable has the open streams of a connection, and remembers some of the
// closed ones. conn.mu guards it. lastClient is written by the reader only, which
// may therefore read it without the lock.
type streamTable struct {
	open   map[uint32]*stream
	closed closedStreams

	// answered has the closed streams whose handlers run on: of HEAD requests, whose
	// response was over when it was flushed.
	answered map[*stream]struct{}

	count StreamCounts // of those that the connection has had

	clients  int // open streams of the client; at most limits.streams
	promises int // open promised streams; at most what promisesLeft allows

	lastClient   uint32 // the highest stream that the client has opened
	lastPromised uint32 // the highest that was promised
}

// idle reports whether the stream id has been neither opened nor promised yet. RFC
// 9113, section 5.1.
func (t *streamTable) idle(id uint32) bool {
	if id%2 == 0 {
		return id > t.lastPromised
	}
	return id > t.lastClient
}

// open adds st to the table. The caller has checked that there may be one more.
func (c *conn) open(st *stream) {
	c.mu.held()
	c.streams.open[st.id] = st
	if st.promise.parent == nil {
		c.streams.clients++
		c.streams.count.Requests++
	} else {
		c.streams.promises++
		c.streams.count.Promises++
	}
	if c.state == http.StateIdle {
		c.setState(http.StateActive)
	}
}

// close ends st for both sides. It leaves the table, its handler is woken if it
// waits, and what it had still to send is dropped. A nil err means that the
// response was sent whole; any other ends the request's body and context, and is
// what the handler is told. It may be called again, which does nothing.
func (c *conn) close(st *stream, err error) {
	c.mu.held()
	if st.state.closed {
		return
	}
	st.state.closed = true
	if err == nil {
		st.state.err = errEnded
		c.budget.earn(earnResponse)
	}
	c.streams.count.closed(err)
	delete(c.streams.open, st.id)
	c.streams.closed.add(st.id, err)
	if st.promise.parent == nil {
		c.streams.clients--
	} else {
		c.streams.promises--
	}
	c.ready.remove(st)
	st.out.drop()
	st.promise.answer = nil
	c.settle(st, err)
	if err != nil {
		c.lose(st, err)
	}
	if !st.state.begun {
		c.dropRequest(st)
	}
	st.signal()
	if len(c.streams.open) == 0 && c.state == http.StateActive {
		c.becomeIdle()
	}
}

// lose tells the handler of st, which is closed, that its client takes no more of
// it.
func (c *conn) lose(st *stream, err error) {
	st.state.err = err
	st.w.lost.Store(true)
	st.req.ctx.cancel(context.Canceled)
	if st.req.body != nil {
		// What nobody will read goes back to the connection's window.
		c.refund(st.req.body.fail(err))
	}
}

// loseAll closes all streams with err, because the connection is over.
func (c *conn) loseAll(err error) {
	for _, st := range c.streams.open {
		c.close(st, err)
	}
	for st := range c.streams.answered {
		c.lose(st, err)
	}
}

// becomeIdle is called when the last stream is closed. It starts the idle timeout,
// and the time after which the large input buffer is given back. A connection that
// is going away is closed.
func (c *conn) becomeIdle() {
	c.setState(http.StateIdle)
	c.clock.idleFrom = c.now()
	c.arm(after(c.clock.idleFrom, c.lim.idleTimeout))
	if c.reader.in.large.Load() {
		c.arm(c.clock.idleFrom + int64(keepLargeInput))
	}
	c.closeIfDrained()
}

// reset ends the stream id with a RST_STREAM. A refused request has an id, but no
// stream.
func (c *conn) reset(id uint32, code http2.ErrCode) { c.resetFor(id, code, ResetError{Code: code}) }

// resetFor is reset, with what the stream's handler is told.
func (c *conn) resetFor(id uint32, code http2.ErrCode, err error) {
	c.mu.held()
	c.out.reset(id, code)
	if st := c.streams.open[id]; st != nil {
		c.close(st, err)
	} else {
		c.streams.closed.add(id, err)
	}
}

// endLocal ends the server's side of st, whose END_STREAM is in the output, and
// with it the stream.
func (c *conn) endLocal(st *stream) {
	st.state.localDone = true
	if st.state.remoteDone {
		c.close(st, nil)
		return
	}
	// RFC 9113, section 8.1: "a server MAY request that the client abort
	// transmission of a request without error by sending a RST_STREAM with an error
	// code of NO_ERROR".
	c.out.reset(st.id, http2.ErrCodeNo)
	c.close(st, nil)
	// As after any reset by the server, the client's frames may still be under way.
	c.streams.closed.add(st.id, ResetError{})
}

// How a stream was closed.
const (
	byUnknown = iota // or so long ago that it is forgotten
	byEnd            // both sides had ended
	byLocal          // this side reset it: the peer's frames may still be under way
	byPeer           // the peer reset it
)

// maxClosed is how many closed streams are remembered: more than a client opens
// before it knows the limit. Frames on streams that are forgotten are judged more
// strictly.
const maxClosed = 512

// closedStreams remembers how the last streams were closed, because the answer to a
// late frame depends on it: RFC 9113, section 5.1. conn.mu guards it.
type closedStreams struct {
	ring []closedStream // never more than maxClosed
	next int            // the oldest, once there are so many
}

// A closedStream is one of them.
type closedStream struct {
	id  uint32
	how uint8 // byEnd, byLocal or byPeer
}

// add remembers that id was closed. For an id that is added twice, the last counts.
func (s *closedStreams) add(id uint32, err error) {
	k := closedStream{id, byLocal}
	if err == nil {
		k.how = byEnd
	} else if r, ok := err.(ResetError); ok && r.Remote {
		k.how = byPeer
	}
	if len(s.ring) < maxClosed {
		s.ring = append(s.ring, k)
		return
	}
	s.ring[s.next] = k
	s.next = (s.next + 1) % maxClosed
}

// how returns how id was closed. The search is linear, from the newest: only frames
// on closed streams need it, which are rare or cost the client budget.
func (s *closedStreams) how(id uint32) uint8 {
	for i := len(s.ring) - 1; i >= 0; i-- {
		if k := s.ring[(s.next+i)%len(s.ring)]; k.id == id {
			return k.how
		}
	}
	return byUnknown
}
