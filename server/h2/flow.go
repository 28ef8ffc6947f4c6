package h2

import (
	"encoding/binary"

	"golang.org/x/net/http2"
)

// A flow is the two windows of a stream, or of a connection, one for each direction. RFC 9113,
// section 5.2. conn.mu guards both.
type flow struct {
	in  inflow
	out outflow
}

// An inflow is the window that the client may send in. What it sent is given back when the handler has
// read it: so a handler that reads slowly makes the client wait, and the server keeps never more of a
// body than the window.
//
// avail, unsent and what was received and not yet given back make size, always.
type inflow struct {
	size   int32 // what the window is when all is read
	avail  int32 // what the client has been told that it may still send
	unsent int32 // what was given back and the client has not been told yet
}

func (w *inflow) init(size int32) { w.size, w.avail = size, size }

// take attempts to take n bytes from the window. It reports whether the client kept to it.
func (w *inflow) take(n int) bool {
	if n > int(w.avail) {
		return false
	}
	w.avail -= int32(n)
	return true
}

// grow makes the window larger by n bytes, which the client has to be told.
func (w *inflow) grow(n int32) {
	w.size = addWindow(w.size, n)
	w.avail = addWindow(w.avail, n)
}

// giveBack gives n bytes back that were taken, and returns how many the client is to be told of: none,
// until they are a good part of the window, or as much as is left of it, so that one who reads byte by
// byte does not make a WINDOW_UPDATE of each.
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

// addWindow is size+n. What it panics at no client can bring about, but a mistake in this package could:
// "A sender MUST NOT allow a flow-control window to exceed 2^31-1 octets." RFC 9113, section 6.9.1.
func addWindow(size, n int32) int32 {
	if n < 0 {
		panic("h2: negative update of a window")
	}
	if int64(size)+int64(n) > maxWindow {
		panic("h2: update of a window beyond the largest")
	}
	return size + n
}

// An outflow is the window that the client lets the server send in. It may be below zero, when the client
// has made the windows of its streams smaller than what was under way. RFC 9113, section 6.9.2.
type outflow struct{ n int32 }

// take takes n bytes, which must be there.
func (w *outflow) take(n int) {
	if n < 0 || n > int(w.n) {
		panic("h2: more is sent than the window allows")
	}
	w.n -= int32(n)
}

// add adds n bytes, fewer than none if n is negative. It reports whether the window can be so large: "A
// sender MUST NOT allow a flow-control window to exceed 2^31-1 octets." RFC 9113, section 6.9.1. If it
// cannot, nothing is added.
func (w *outflow) add(n int32) bool {
	sum := int64(w.n) + int64(n)
	if sum > maxWindow {
		return false
	}
	// A sum below the least int32 cannot come about: windows begin above zero, and SETTINGS take away
	// what they gave.
	w.n = int32(sum)
	return true
}

func (c *conn) sendWindowUpdate(id uint32, n int32) {
	c.out.frame(http2.FrameWindowUpdate, 0, id, 4)
	c.out.buf = binary.BigEndian.AppendUint32(c.out.buf, uint32(n))
}

// refund gives n bytes back to the window of the connection: they were read, or nobody will read them.
func (c *conn) refund(n int) {
	c.mu.held()
	if n == 0 {
		return
	}
	if n := c.flow.in.giveBack(n); n > 0 {
		c.sendWindowUpdate(0, n)
	}
}

// consumed gives the n bytes back that st's handler has read. It locks mu.
func (c *conn) consumed(st *stream, n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.refund(n)
	if !st.state.closed && !st.state.remoteDone {
		if n := st.flow.in.giveBack(n); n > 0 {
			c.sendWindowUpdate(st.id, n)
		}
	}
	c.scheduleFlush()
}

// handleWindowUpdate lets more out. RFC 9113, section 6.9.
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
			// RFC 9113, section 6.9.1: the connection's window is a connection error.
			return connError{http2.ErrCodeFlowControl, "the window of the connection overflows"}
		}
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

// resizeWindows applies a new SETTINGS_INITIAL_WINDOW_SIZE to the open streams: to each what it changes,
// of which some may already be used. RFC 9113, section 6.9.2.
func (c *conn) resizeWindows(size int32) error {
	change := size - c.client.window
	c.client.window = size
	for _, st := range c.streams.open {
		if !st.flow.out.add(change) {
			// RFC 9113, section 6.9.2: an overflow is a connection error of type FLOW_CONTROL_ERROR.
			return connError{http2.ErrCodeFlowControl, "SETTINGS_INITIAL_WINDOW_SIZE lets a window overflow"}
		}
		if st.flow.out.n > 0 {
			c.ready.push(st)
		} else {
			c.ready.remove(st)
		}
	}
	return nil
}
