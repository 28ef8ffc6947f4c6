package h2

import (
	"encoding/binary"

	"golang.org/x/net/http2"
)

// A flow is the two flow-control windows of a stream or of a connection: RFC 9113,
// section 5.2. conn.mu guards it.
type flow struct {
	in  inflow
	out outflow
}

// inflow accounts for an inbound window: what the client may send. Bytes are given
// back when the handler has read them. So a handler that reads slowly makes the
// client wait, and no more of a body is kept than the window.
//
// The sum of avail, unsent, and the bytes that were received and not yet given back
// is always size.
type inflow struct {
	size   int32 // the window when all bytes have been read
	avail  int32 // what the client may still send, as it knows
	unsent int32 // what was given back and the client has not been told
}

// init sets the window that the client has been told.
func (w *inflow) init(size int32) { w.size, w.avail = size, size }

// take attempts to take n bytes that came from the window. It reports whether the
// window had them.
func (w *inflow) take(n int) bool {
	if n > int(w.avail) {
		return false
	}
	w.avail -= int32(n)
	return true
}

// grow makes the window larger by n bytes. The caller tells the client.
func (w *inflow) grow(n int32) {
	w.size = addWindow(w.size, n)
	w.avail = addWindow(w.avail, n)
}

// giveBack gives n bytes back that were taken. It returns the number of bytes to
// send in a WINDOW_UPDATE, which is 0 until a quarter of the window has been given
// back, or as much as the client has left: a handler that reads byte by byte must
// not cause a frame for each.
func (w *inflow) giveBack(n int) (update int32) {
	unsent := addWindow(w.unsent, int32(n))
	if unsent < w.size/4 && unsent < w.avail {
		w.unsent = unsent
		return 0
	}
	w.unsent = 0
	w.avail = addWindow(w.avail, unsent)
	return unsent
}

// addWindow returns size+n. It panics on a negative update and on overflow, which
// are mistakes of this package and not of the client: "A sender MUST NOT allow a
// flow-control window to exceed 2^31-1 octets." RFC 9113, section 6.9.1.
func addWindow(size, n int32) int32 {
	if n < 0 {
		panic("h2: negative update of a window")
	}
	if int64(size)+int64(n) > maxWindow {
		panic("h2: update of a window beyond the largest")
	}
	return size + n
}

// outflow accounts for an outbound window: what the server may send. It is negative
// if the client has reduced the initial window below what was already sent: RFC
// 9113, section 6.9.2.
type outflow struct{ n int32 }

// take takes n bytes from the window. The caller has checked that it has them.
func (w *outflow) take(n int) {
	if n < 0 || n > int(w.n) {
		panic("h2: more is sent than the window allows")
	}
	w.n -= int32(n)
}

// add adds n bytes to the window, where n may be negative. It reports whether the
// sum does not exceed the maximum, and adds nothing if it does: "A sender MUST NOT
// allow a flow-control window to exceed 2^31-1 octets." RFC 9113, section 6.9.1.
func (w *outflow) add(n int32) bool {
	sum := int64(w.n) + int64(n)
	if sum > maxWindow {
		return false
	}
	// It cannot underflow: a window is at least 0 less one initial window, since a
	// change of SETTINGS subtracts what the last one added.
	w.n = int32(sum)
	return true
}

// refund gives n bytes back to the window of the connection, because they were read
// or nobody will read them.
func (c *conn) refund(n int) {
	c.mu.held()
	if n == 0 {
		return
	}
	if n := c.flow.in.giveBack(n); n > 0 {
		c.out.windowUpdate(0, n)
	}
}

// consumed gives back to both windows the n bytes that st's handler has read. It
// locks mu.
func (c *conn) consumed(st *stream, n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.refund(n)
	// A client that has sent all of the body needs no more window for it.
	if !st.state.closed && !st.state.remoteDone {
		if n := st.flow.in.giveBack(n); n > 0 {
			c.out.windowUpdate(st.id, n)
		}
	}
	c.scheduleFlush()
}

// handleWindowUpdate handles a WINDOW_UPDATE frame. RFC 9113, section 6.9.
func (c *conn) handleWindowUpdate(f frame) error {
	if f.length != 4 {
		return frameSizeError("WINDOW_UPDATE that is not 4 bytes long")
	}
	n := int32(binary.BigEndian.Uint32(f.payload) & maxWindow)
	if f.id == 0 {
		if n == 0 {
			return protocolError("WINDOW_UPDATE of 0")
		}
		if !c.flow.out.add(n) {
			// RFC 9113, section 6.9.1: the connection's window is a connection
			// error.
			return connError{http2.ErrCodeFlowControl, "the window of the connection overflows"}
		}
		c.clock.stallBy = 0
		return nil
	}
	if c.streams.idle(f.id) {
		// RFC 9113, section 5.1: an idle stream receives HEADERS and PRIORITY only.
		return protocolError("WINDOW_UPDATE on an idle stream")
	}
	st := c.streams.open[f.id]
	if st == nil {
		return nil // it was under way when the stream ended
	}
	if n == 0 {
		return streamError{f.id, http2.ErrCodeProtocol, "WINDOW_UPDATE of 0"}
	}
	if !st.flow.out.add(n) {
		return streamError{f.id, http2.ErrCodeFlowControl, "the window of the stream overflows"}
	}
	c.ready.push(st)
	return nil
}

// A windowChange is what all INITIAL_WINDOW_SIZE of a SETTINGS frame come to. A window
// moves by their differences, so that it ends where the last has it, and overflows if
// it does with the largest.
type windowChange struct {
	last    int32
	largest int32
	some    bool
}

// add adds one.
func (w *windowChange) add(size int32) {
	w.last, w.largest, w.some = size, max(w.largest, size), true
}

// resizeWindows applies the new SETTINGS_INITIAL_WINDOW_SIZE: the window of each open
// stream changes by the difference. RFC 9113, section 6.9.2.
func (c *conn) resizeWindows(w windowChange) error {
	if !w.some {
		return nil
	}
	old := c.client.window
	c.client.window = w.last
	for _, st := range c.streams.open {
		if int64(st.flow.out.n)+int64(w.largest)-int64(old) > maxWindow {
			// RFC 9113, section 6.9.2: an overflow is a connection error of type
			// FLOW_CONTROL_ERROR.
			return connError{http2.ErrCodeFlowControl, "INITIAL_WINDOW_SIZE lets a window overflow"}
		}
		st.flow.out.add(w.last - old)
		if st.flow.out.n > 0 {
			c.ready.push(st)
		} else {
			c.ready.remove(st)
			c.startStall(st)
		}
	}
	return nil
}
