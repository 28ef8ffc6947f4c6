package h2

import (
	"io"
	"sync"

	"golang.org/x/net/http2"
)

// A dataFrame is a DATA frame that is being read. Its payload is handled in the pieces that it
// comes in, so that a frame may be larger than the input's buffer.
type dataFrame struct {
	active bool
	st     *stream // nil: the payload is discarded
	id     uint32
	left   int  // bytes of the payload to come, without the padding
	pad    int  // bytes of padding to come
	padded bool // the length of the padding is to come
	end    bool
}

// beginBody handles the header of a DATA frame. RFC 9113, section 6.1.
func (c *conn) beginBody(f frame) error {
	if f.id%2 == 0 || c.idle(f.id) {
		// RFC 9113, section 5.1: nor on one that the server promised.
		return protocolError("DATA on a stream that the client has not opened")
	}
	if f.flags.Has(flagPadded) && f.length == 0 {
		return frameSizeError("padded DATA without the length of the padding")
	}
	c.body = dataFrame{active: true, id: f.id, left: f.length, padded: f.flags.Has(flagPadded), end: f.flags.Has(flagEndStream)}
	c.mu.Lock()
	defer c.mu.Unlock()
	if f.length == 0 && !c.body.end && !c.spend(costFrame) {
		return errFlood
	}
	if !c.received.take(f.length) {
		return connError{http2.ErrCodeFlowControl, "DATA beyond the window of the connection"}
	}
	c.earnBytes(f.length)
	st := c.streams[f.id]
	if st == nil {
		c.refund(f.length)
		switch c.closed.how(f.id) {
		case byServer:
			return nil // it may have been under way
		case byEnd:
			return connError{http2.ErrCodeStreamClosed, "DATA on a closed stream"}
		}
		return streamError{f.id, http2.ErrCodeStreamClosed, "DATA on a closed stream"}
	}
	if st.remoteDone {
		c.refund(f.length)
		return streamError{f.id, http2.ErrCodeStreamClosed, "DATA after END_STREAM"}
	}
	if !st.received.take(f.length) {
		c.refund(f.length)
		return streamError{f.id, http2.ErrCodeFlowControl, "DATA beyond the window of the stream"}
	}
	c.body.st = st
	return nil
}

// handleBody handles what has come of a DATA frame, and says how much of it that was.
func (c *conn) handleBody(p []byte) (n int, err error) {
	d := &c.body
	if d.padded {
		d.padded = false
		n++
		d.left--
		d.pad = int(p[0])
		if d.pad > d.left {
			return n, protocolError("DATA with more padding than payload")
		}
		d.left -= d.pad
		if d.st != nil {
			c.consumed(d.st, 1+d.pad)
		}
		if d.left == 0 && !d.end && !c.charge(costFrame) {
			return n, errFlood
		}
		p = p[1:]
	}
	m := min(d.left, len(p))
	if m > 0 && d.st != nil {
		switch kept, ok := d.st.in.write(p[:m]); {
		case !ok:
			st := d.st
			c.mu.Lock()
			c.refund(m + d.left - m)
			c.mu.Unlock()
			d.st = nil
			err = streamError{st.id, http2.ErrCodeProtocol, "more DATA than content-length"}
		case !kept:
			c.mu.Lock()
			c.refund(m) // nobody will read it
			c.mu.Unlock()
		}
	}
	d.left -= m
	skipped := min(d.pad, len(p)-m)
	d.pad -= skipped
	if d.left == 0 && d.pad == 0 {
		d.active = false
		if d.end && d.st != nil && err == nil {
			err = c.endBody(d.st)
		}
	}
	return n + m + skipped, err
}

// endBody ends the client's side of st.
func (c *conn) endBody(st *stream) error {
	whole := st.in.end()
	c.mu.Lock()
	defer c.mu.Unlock()
	if st.dead {
		return nil
	}
	if !whole {
		// RFC 9113, section 8.1.1.
		return streamError{st.id, http2.ErrCodeProtocol, "less DATA than content-length"}
	}
	st.remoteDone = true
	return nil
}

// chunkSize is the size of the pieces that bodies are kept in.
const chunkSize = 16 << 10

var chunks = sync.Pool{New: func() any { b := make([]byte, chunkSize); return &b }}

// A body is a request's body: the reader writes what the client sends, never more than the stream's
// window, and the handler reads it.
type body struct {
	st       *stream
	declared int64 // what content-length says; -1: nothing

	mu     sync.Mutex
	chunks []chunk
	came   int64
	err    error // what a Read returns after the chunks
	shut   bool  // the handler has closed it
	expect bool  // the client waits for a 100
	wake   sync.Cond
}

type chunk struct {
	pooled *[]byte // nil if it is not from chunks
	b      []byte  // what is unread
	room   []byte  // what follows b
}

// write adds p. It says if p is kept, for a Read to give back to the window, and if p is within the
// content-length.
func (b *body) write(p []byte) (kept, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.came += int64(len(p))
	if b.declared >= 0 && b.came > b.declared {
		return false, false
	}
	if b.shut || b.err != nil {
		return false, true
	}
	if n := len(b.chunks); n > 0 {
		last := &b.chunks[n-1]
		m := copy(last.room, p)
		last.b = last.b[:len(last.b)+m]
		last.room = last.room[m:]
		p = p[m:]
	}
	for len(p) > 0 {
		var k chunk
		if left := b.declared - b.came + int64(len(p)); b.declared >= 0 && left < chunkSize {
			k.room = make([]byte, max(int(left), len(p)))
		} else if len(b.chunks) == 0 && len(p) < chunkSize/8 {
			k.room = make([]byte, chunkSize/8)
		} else {
			k.pooled = chunks.Get().(*[]byte)
			k.room = *k.pooled
		}
		m := copy(k.room, p)
		k.b, k.room = k.room[:m], k.room[m:]
		p = p[m:]
		b.chunks = append(b.chunks, k)
	}
	b.wake.Signal()
	return true, true
}

// end says that all has come, and returns whether that is what was declared.
func (b *body) end() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.declared >= 0 && b.came != b.declared {
		return false
	}
	if b.err == nil {
		b.err = io.EOF
	}
	b.wake.Signal()
	return true
}

// fail has Reads return err, unless all has come, and returns how much was unread.
func (b *body) fail(err error) (unread int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err == nil {
		b.err = err
		unread = b.discard()
	}
	b.wake.Signal()
	return unread
}

func (b *body) discard() (n int) {
	for _, k := range b.chunks {
		n += len(k.b)
		k.free()
	}
	b.chunks = nil
	return n
}

func (k *chunk) free() {
	if k.pooled != nil {
		chunks.Put(k.pooled)
		k.pooled = nil
	}
}

// Read reads what the client has sent, and waits for it. It may be called by any one goroutine.
func (b *body) Read(p []byte) (int, error) {
	b.mu.Lock()
	if b.expect {
		b.expect = false
		b.mu.Unlock()
		b.st.proceed()
		b.mu.Lock()
	}
	if len(p) == 0 {
		b.mu.Unlock()
		return 0, nil
	}
	for len(b.chunks) == 0 && b.err == nil && !b.shut {
		b.st.c.srv.workers.giveUp(b.st)
		b.wake.Wait()
	}
	if b.shut {
		b.mu.Unlock()
		return 0, errBodyClosed
	}
	n := 0
	for len(b.chunks) > 0 && n < len(p) {
		k := &b.chunks[0]
		m := copy(p[n:], k.b)
		n += m
		k.b = k.b[m:]
		if len(k.b) > 0 {
			break
		}
		k.free()
		b.chunks[0] = chunk{}
		b.chunks = b.chunks[1:]
	}
	if len(b.chunks) == 0 {
		b.chunks = nil
	}
	err := b.err
	b.mu.Unlock()
	if n > 0 {
		b.st.c.consumed(b.st, n)
		return n, nil
	}
	if err == io.EOF {
		b.st.giveTrailers()
	}
	return 0, err
}

// Close discards what is unread and what is still to come.
func (b *body) Close() error {
	b.mu.Lock()
	var unread int
	if !b.shut {
		b.shut = true
		unread = b.discard()
	}
	b.wake.Signal()
	b.mu.Unlock()
	if unread > 0 {
		c := b.st.c
		c.mu.Lock()
		c.refund(unread)
		c.kick()
		c.mu.Unlock()
	}
	return nil
}
