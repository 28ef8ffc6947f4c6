package h2

import (
	"encoding/binary"

	"golang.org/x/net/http2"
)

// An inflow is the window that the client may send in, of a stream or a connection.
// RFC 9113, section 6.9.
type inflow struct {
	size  int32 // what the window is when all is read
	avail int32 // what the client may still send
	owed  int32 // what was read and not yet given back
}

func (w *inflow) init(size int32) { w.size, w.avail = size, size }

// take takes n bytes from the window, and says if they were there.
func (w *inflow) take(n int) bool {
	if n > int(w.avail) {
		return false
	}
	w.avail -= int32(n)
	return true
}

// give gives n bytes back, and returns how much the client is to be told: nothing, until it is a
// good part of the window, or of what is left of it.
func (w *inflow) give(n int) int32 {
	w.owed += int32(n)
	if w.owed < w.size/4 && w.owed < w.avail {
		return 0
	}
	n32 := w.owed
	w.owed = 0
	w.avail += n32
	return n32
}

func (c *conn) sendWindowUpdate(id uint32, n int32) {
	c.out = appendFrame(c.outBuffer(), http2.FrameWindowUpdate, 0, id, 4)
	c.out = binary.BigEndian.AppendUint32(c.out, uint32(n))
}

// refund gives n bytes back to the window of the connection.
func (c *conn) refund(n int) {
	if n <= 0 {
		return
	}
	if n := c.received.give(n); n > 0 {
		c.sendWindowUpdate(0, n)
	}
}

// consumed gives the n bytes back that st's handler has read.
func (c *conn) consumed(st *stream, n int) {
	c.mu.Lock()
	c.refund(n)
	if !st.dead && !st.remoteDone {
		if n := st.received.give(n); n > 0 {
			c.sendWindowUpdate(st.id, n)
		}
	}
	c.kick()
	c.mu.Unlock()
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
		if int64(c.window)+int64(n) > maxWindow {
			// RFC 9113, section 6.9.1.
			return connError{http2.ErrCodeFlowControl, "the window of the connection overflows"}
		}
		c.window += n
		return nil
	}
	if c.idle(f.id) {
		// RFC 9113, section 5.1.
		return protocolError("WINDOW_UPDATE on an idle stream")
	}
	st := c.streams[f.id]
	if st == nil {
		return nil // it was under way when the stream ended
	}
	if n == 0 {
		return streamError{f.id, http2.ErrCodeProtocol, "WINDOW_UPDATE of 0"}
	}
	if int64(st.window)+int64(n) > maxWindow {
		return streamError{f.id, http2.ErrCodeFlowControl, "the window of the stream overflows"}
	}
	st.window += n
	c.ready.push(st)
	return nil
}

// resizeWindows applies a new SETTINGS_INITIAL_WINDOW_SIZE to the open streams, whose windows may
// become negative. RFC 9113, section 6.9.2.
func (c *conn) resizeWindows(size int32) error {
	change := int64(size) - int64(c.peerWindow)
	for _, st := range c.streams {
		if int64(st.window)+change > maxWindow {
			return connError{http2.ErrCodeFlowControl, "SETTINGS_INITIAL_WINDOW_SIZE lets a window overflow"}
		}
	}
	c.peerWindow = size
	for _, st := range c.streams {
		st.window = int32(int64(st.window) + change)
		if st.window > 0 {
			c.ready.push(st)
		} else {
			c.ready.remove(st)
		}
	}
	return nil
}
