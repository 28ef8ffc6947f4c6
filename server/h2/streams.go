package h2

import (
	"context"
	"encoding/binary"
	"net/http"

	"golang.org/x/net/http2"
)

// A streamTable is which streams there are and have been. A stream is in open until it is closed, and
// then for a while in closed. conn.mu guards it; but lastClient changes in the reader only, which may
// therefore read it without.
type streamTable struct {
	open   map[uint32]*stream
	closed closedStreams

	clients  int // of the open ones, how many the client began: at most limits.streams
	promises int // and how many are promised: at most limits.promises, and what the client allows

	lastClient   uint32 // the highest that the client has opened
	lastPromised uint32
}

// idle reports whether the stream id has been neither opened nor promised yet. RFC 9113, section 5.1.
func (t *streamTable) idle(id uint32) bool {
	if id%2 == 0 {
		return id > t.lastPromised
	}
	return id > t.lastClient
}

// open makes st one of the connection's streams.
func (c *conn) open(st *stream) {
	c.mu.held()
	c.streams.open[st.id] = st
	if st.promise.parent == nil {
		c.streams.clients++
	} else {
		c.streams.promises++
	}
	if c.state == http.StateIdle {
		c.setState(http.StateActive)
	}
}

// close ends st, for both sides. It may be called again. A nil err tells that the response was sent
// whole.
func (c *conn) close(st *stream, err error) {
	c.mu.held()
	if st.state.closed {
		return
	}
	st.state.closed = true
	st.state.err = err
	if err == nil {
		st.state.err = errEnded
		c.budget.earn(earnResponse)
	}
	delete(c.streams.open, st.id)
	c.streams.closed.add(st.id, err)
	if st.promise.parent == nil {
		c.streams.clients--
	} else {
		c.streams.promises--
	}
	c.ready.remove(st)
	st.out.data = nil
	st.promise.answer = nil
	c.settle(st, err)
	if err != nil {
		st.req.ctx.cancel(context.Canceled)
		if st.req.body != nil {
			c.refund(st.req.body.fail(err))
		}
	}
	st.signal()
	if len(c.streams.open) == 0 && c.state == http.StateActive {
		c.becomeIdle()
	}
}

// becomeIdle sees to a connection that has no streams any more.
func (c *conn) becomeIdle() {
	c.setState(http.StateIdle)
	c.clock.idleFrom = c.now()
	c.arm(after(c.clock.idleFrom, c.lim.idleTimeout))
	if c.reader.in.large.Load() {
		c.arm(c.clock.idleFrom + int64(keepLargeInput))
	}
	c.closeIfDrained()
}

// reset ends the stream id with a RST_STREAM. There need not be a stream of that id any more.
func (c *conn) reset(id uint32, code http2.ErrCode) { c.resetFor(id, code, ResetError{Code: code}) }

// resetFor is reset, with what the stream's handler is told.
func (c *conn) resetFor(id uint32, code http2.ErrCode, err error) {
	c.mu.held()
	c.out.frame(http2.FrameRSTStream, 0, id, 4)
	c.out.buf = binary.BigEndian.AppendUint32(c.out.buf, uint32(code))
	if st := c.streams.open[id]; st != nil {
		c.close(st, err)
	} else {
		c.streams.closed.add(id, err)
	}
}

// endLocal ends the server's side of st, whose END_STREAM is in the output, and with it the stream.
func (c *conn) endLocal(st *stream) {
	st.state.localDone = true
	if st.state.remoteDone {
		c.close(st, nil)
		return
	}
	// RFC 9113, section 8.1: "A server MAY send a complete response prior to the client sending an
	// entire request", and asks it, with NO_ERROR, not to send the rest.
	c.out.frame(http2.FrameRSTStream, 0, st.id, 4)
	c.out.buf = binary.BigEndian.AppendUint32(c.out.buf, uint32(http2.ErrCodeNo))
	c.close(st, nil)
	c.streams.closed.add(st.id, ResetError{})
}

// How a stream was closed.
const (
	byUnknown = iota // or so long ago that it is forgotten
	byEnd            // both sides had ended
	byServer         // the server reset it: the client's frames may still be under way
	byClient         // the client reset it
)

// maxClosed is more than the streams of a client that opens many before it knows how many it may.
const maxClosed = 512

// closedStreams remembers the streams that were closed last, and how, because what an endpoint has to
// say about frames that come late depends on it. RFC 9113, section 5.1. conn.mu guards it.
type closedStreams struct {
	ring []closedStream // never more than maxClosed
	next int            // the oldest, once there are so many
}

type closedStream struct {
	id  uint32
	how uint8
}

// add remembers that id was closed. What was remembered of the same id gives way to it.
func (s *closedStreams) add(id uint32, err error) {
	k := closedStream{id, byServer}
	if err == nil {
		k.how = byEnd
	} else if r, ok := err.(ResetError); ok && r.Remote {
		k.how = byClient
	}
	if len(s.ring) < maxClosed {
		s.ring = append(s.ring, k)
		return
	}
	s.ring[s.next] = k
	s.next = (s.next + 1) % maxClosed
}

// how is how id was closed when it was last.
func (s *closedStreams) how(id uint32) uint8 {
	for i := len(s.ring) - 1; i >= 0; i-- {
		if k := s.ring[(s.next+i)%len(s.ring)]; k.id == id {
			return k.how
		}
	}
	return byUnknown
}
