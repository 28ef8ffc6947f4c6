package h2

import (
	"math"

	"golang.org/x/net/http2"
)

// transmit sends p, and with end ends the response. It returns when all of p is in the output; p is not
// used after that. mu is held, but not while it waits.
func (c *conn) transmit(st *stream, p []byte, end bool) error {
	c.mu.held()
	if st.state.closed {
		return st.state.err
	}
	st.out.data, st.out.end = p, end
	if c.ready.n == 0 && !c.ready.yieldsToParent(c, st) {
		c.appendData(st, math.MaxInt)
	}
	if len(st.out.data) == 0 {
		return nil
	}
	c.ready.push(st)
	for len(st.out.data) > 0 && !st.state.closed {
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
		c.scheduleFlush() // it may have been woken to flush
		return st.state.err
	}
	return nil
}

// startStall gives the client limits.stallTimeout to open its windows, if it has not been given it
// already.
func (c *conn) startStall(st *stream) {
	if st.times.stall == 0 && c.lim.stallTimeout > 0 {
		st.times.stall = c.now() + int64(c.lim.stallTimeout)
		c.arm(st.times.stall)
	}
}

// waitForRoom waits until the output has room for a header. mu is held, but not while it waits. Its error
// is why st has been closed meanwhile, or before.
func (c *conn) waitForRoom(st *stream) error {
	c.mu.held()
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

// fillOutput moves DATA into the output, of the streams whose turn it is, as far as the window of the
// connection and the output's room allow. It is called when all that was in the output is about to be
// written: so the turns are decided as late as possible, and what comes then may overtake.
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

// appendData moves DATA of st into the output, at most n frames, as far as the windows and the output's
// room allow. It reports whether it moved any.
func (c *conn) appendData(st *stream, n int) (moved bool) {
	c.mu.held()
	for ; n > 0 && len(st.out.data) > 0; n-- {
		m := min(len(st.out.data), int(st.flow.out.n), int(c.flow.out.n), c.client.frameSize, dataSize)
		if room := outputSize - frameHeaderLen - len(c.out.buf); m > room {
			if room < dataSize/4 {
				break // no small frames for the sake of the last bytes of room
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

// appendDataFrame moves the next m bytes of st into the output, which have to be allowed.
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

// endEmpty ends the response by a DATA frame without payload, for which no window is needed. RFC 9113,
// section 6.9.1.
func (c *conn) endEmpty(st *stream) {
	c.out.frame(http2.FrameData, flagEndStream, st.id, 0)
	c.endLocal(st)
}
