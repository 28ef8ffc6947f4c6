package h2

import (
	"math"

	"golang.org/x/net/http2"
)

// transmit sends p as DATA, and with end ends the response. It waits until all of p
// has been moved to the output; p is not used after that. mu is held, but released
// while it waits.
func (c *conn) transmit(st *stream, p []byte, end bool) error {
	c.mu.held()
	if st.state.closed {
		return st.state.err
	}
	st.out.data, st.out.end = p, end
	// If no other stream has DATA to send, there is nothing to schedule.
	if c.ready.n == 0 && !c.ready.yieldsToParent(c, st) {
		c.appendData(st, math.MaxInt)
	}
	if len(st.out.data) == 0 {
		return nil
	}
	c.ready.push(st)
	for len(st.out.data) > 0 && !st.state.closed {
		// It has to wait for the client in any case, so it writes itself, other
		// streams' frames included, rather than to wait for a worker.
		if !c.out.flushing && c.writable() {
			c.flush(st)
			continue
		}
		if min(st.flow.out.n, c.flow.out.n) <= 0 {
			c.startStall(st)
		}
		c.srv.workers.releaseSlot(st)
		st.wait()
	}
	if st.state.closed && st.state.err != errEnded {
		c.scheduleFlush() // if it was woken to flush, another has to now
		return st.state.err
	}
	return nil
}

// startStall starts the time that the client has to open its windows, unless it
// runs already. Sending DATA stops it.
func (c *conn) startStall(st *stream) {
	if st.times.stall == 0 && c.lim.stallTimeout > 0 {
		st.times.stall = c.now() + int64(c.lim.stallTimeout)
		c.arm(st.times.stall)
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
	}
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
	if last && st.out.end {
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
		if st.out.end {
			c.endLocal(st)
		}
		st.signal()
	case st.flow.out.n <= 0:
		c.ready.remove(st)
	}
}

// endEmpty ends the response by a DATA frame without payload, for which no window
// is needed. RFC 9113, section 6.9.1.
func (c *conn) endEmpty(st *stream) {
	c.out.frame(http2.FrameData, flagEndStream, st.id, 0)
	c.endLocal(st)
}
