package h2

import (
	"bytes"
	"math"

	"golang.org/x/net/http2"
)

// transmit sends p as DATA. It waits until all of p has been moved to the output; p is
// not used after that. mu is held, but released while it waits.
func (c *conn) transmit(st *stream, p []byte) error {
	c.mu.held()
	if st.state.closed {
		return st.state.err
	}
	st.out.data = p
	c.offer(st)
	for len(st.out.data) > 0 && !st.state.closed {
		// It has to wait for the client in any case, so it writes itself, other
		// streams' frames included, rather than to wait for a worker.
		if !c.out.flushing && c.writable() {
			c.flush(st)
			continue
		}
		c.startStall(st)
		c.srv.workers.releaseSlot(st)
		st.wait()
	}
	if st.state.closed && st.state.err != errEnded {
		c.scheduleFlush() // if it was woken to flush, another has to now
		return st.state.err
	}
	return nil
}

// conclude sends p, the last of a body, and ends the response, with trailers if there
// are any. What is not moved to the output is left to the scheduler, in a copy: the
// handler has returned, and no goroutine and no scratch wait with it. mu is held, but
// released during writes.
func (c *conn) conclude(st *stream, p []byte, trailers []wireField) {
	c.mu.held()
	if st.state.closed {
		return
	}
	if len(p) == 0 {
		c.endWith(st, trailers)
		return
	}
	st.out.data, st.out.end, st.out.trailers = p, true, trailers
	c.offer(st)
	for len(st.out.data) > 0 && !c.out.flushing && c.writable() {
		c.flush(st)
	}
	if len(st.out.data) > 0 {
		st.out.keep()
		c.startStall(st)
	}
}

// keep makes data a copy, which is let go of when the stream is closed.
func (o *outgoing) keep() {
	if len(o.data) < chunkSize/8 {
		o.data = bytes.Clone(o.data)
		return
	}
	o.pooled = chunks.Get().(*[]byte)
	o.data = (*o.pooled)[:copy(*o.pooled, o.data)]
}

// drop lets go of what is not sent.
func (o *outgoing) drop() {
	o.data = nil
	if o.pooled != nil {
		chunks.Put(o.pooled)
		o.pooled = nil
	}
}

// endWith ends a response whose body is in the output, by its trailers, or by a reset.
func (c *conn) endWith(st *stream, trailers []wireField) {
	if st.out.short {
		c.reset(st.id, http2.ErrCodeInternal)
		return
	}
	c.sendFields(st.id, flagEndStream, 0, trailers)
	c.endLocal(st)
}

// offer hands the DATA of st to the scheduler, or moves it to the output at once: if
// no other stream has DATA to send, there is nothing to schedule.
func (c *conn) offer(st *stream) {
	if c.ready.n == 0 && !c.ready.yieldsToParent(c, st) {
		c.appendData(st, math.MaxInt)
	}
	c.ready.push(st)
}

// startStall starts the time that the client has to open the window that st waits
// for, unless it runs already. Sending DATA of the stream stops the one for its own
// window; the one of the connection's, which all streams wait for together, runs until
// that is opened.
func (c *conn) startStall(st *stream) {
	by := &st.times.stall
	if st.flow.out.n > 0 {
		by = &c.clock.stallBy
		if c.flow.out.n > 0 {
			return // it waits for its turn, or for room
		}
	}
	if *by == 0 && c.lim.stallTimeout > 0 && len(st.out.data) > 0 {
		*by = c.now() + int64(c.lim.stallTimeout)
		c.arm(*by)
	}
}

// waitForRoom waits until the output has room for a header, and so for the client
// to read. mu is held, but released while it waits. It returns an error if st is
// closed.
func (c *conn) waitForRoom(st *stream) error {
	c.mu.held()
	// A header may exceed outputSize. Answers to the client's own frames do not
	// wait for room: its budget bounds them.
	for !st.state.closed && len(c.out.buf) >= outputSize {
		if !c.out.flushing {
			c.flush(st)
		} else {
			c.out.roomWaiters = append(c.out.roomWaiters, st)
			c.srv.workers.releaseSlot(st)
			st.wait()
		}
	}
	if st.state.closed {
		return st.state.err
	}
	return nil
}

// fillOutput moves DATA into the output, in the order of the scheduler, as far as
// the connection's window and the output's room allow. It is called just before the
// output is written, so that the choice is made as late as possible: a page that
// begins to send overtakes its promises.
func (c *conn) fillOutput() {
	for c.flow.out.n > 0 && len(c.out.buf) < outputSize {
		st := c.ready.next(c)
		if st == nil {
			return
		}
		if !c.appendData(st, 1) {
			return
		}
		c.ready.sent(st)
		if len(st.out.data) == 0 && !st.state.closed && c.yieldsLater(st) {
			return
		}
	}
	if c.flow.out.n > 0 {
		return
	}
	if st := c.ready.first(c); st != nil {
		c.startStall(st)
	}
}

// yieldsLater reports whether st, all of whose DATA has just been moved, is to have the
// time of a write before a stream that is less urgent fills the output: its handler,
// which was woken, may have more. RFC 9218, section 10.
func (c *conn) yieldsLater(st *stream) bool {
	next := c.ready.first(c)
	return next != nil && next.turn.level > st.turn.level
}

// appendData moves up to n DATA frames of st into the output, as far as the windows
// and the output's room allow. It reports whether it moved any.
func (c *conn) appendData(st *stream, n int) (moved bool) {
	c.mu.held()
	for ; n > 0 && len(st.out.data) > 0; n-- {
		window := int(min(st.flow.out.n, c.flow.out.n))
		m := min(len(st.out.data), window, c.client.frameSize, dataSize)
		if room := outputSize - frameHeaderLen - len(c.out.buf); m > room {
			if room < dataSize/4 {
				break // no small frames only to fill the output
			}
			m = room
		}
		if m <= 0 {
			break
		}
		moved = true
		c.appendDataFrame(st, m)
	}
	return moved
}

// appendDataFrame moves the next m bytes of st into the output. The caller has
// checked windows and room.
func (c *conn) appendDataFrame(st *stream, m int) {
	var flags http2.Flags
	last := m == len(st.out.data)
	if last && st.out.end && len(st.out.trailers) == 0 && !st.out.short {
		flags = flagEndStream
	}
	c.out.frame(http2.FrameData, flags, st.id, m)
	c.out.buf = append(c.out.buf, st.out.data[:m]...)
	st.out.data = st.out.data[m:]
	st.flow.out.take(m)
	c.flow.out.take(m)
	c.budget.earn(earnData)
	c.budget.earnBytes(m)
	st.times.stall = 0
	if st.page.promises > 0 {
		st.page.lastSent = c.now()
	}
	switch {
	case last:
		c.ready.remove(st)
		st.out.data = nil
		switch {
		case flags != 0:
			c.endLocal(st)
		case st.out.end:
			c.endWith(st, st.out.trailers)
		}
		st.signal()
	case st.flow.out.n <= 0:
		c.ready.remove(st)
		c.startStall(st)
	}
}

// endEmpty ends the response by a DATA frame without payload, for which no window
// is needed. RFC 9113, section 6.9.1.
func (c *conn) endEmpty(st *stream) {
	c.out.frame(http2.FrameData, flagEndStream, st.id, 0)
	c.endLocal(st)
}
