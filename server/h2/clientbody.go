package h2

import (
	"errors"
	"io"
	"maps"
	"net/http"
	"sync/atomic"

	"golang.org/x/net/http2"
)

// A responseBody is the body of a response. What has come is kept by its stream; a Read
// fetches all of it, and copies from that without a lock.
//
// It belongs to the goroutine that reads, but shut, and Close may be called meanwhile.
type responseBody struct {
	st   *clientStream
	hand chunkList // what was fetched, and is unread
	err  error     // what comes after it, if nothing more does
	shut atomic.Bool
}

var errResponseClosed = errors.New("h2: read of a closed response body")

// Read reads what has come, and waits if nothing has. The end comes with the last bytes.
func (b *responseBody) Read(p []byte) (n int, err error) {
	if len(p) == 0 {
		return 0, nil
	}
	if err := b.wait(nil); err != nil {
		return 0, err
	}
	n = b.hand.copyTo(p)
	if len(b.hand) == 0 {
		err = b.end()
	}
	return n, err
}

// WriteTo writes what comes to w, until the end, as it has come, without a copy. If w is an
// http.Flusher, it is flushed whenever more has to be waited for.
func (b *responseBody) WriteTo(w io.Writer) (n int64, err error) {
	flusher, _ := w.(http.Flusher)
	flushed := n
	flush := func() {
		if flusher != nil && flushed < n {
			flusher.Flush()
			flushed = n
		}
	}
	for {
		if err := b.wait(flush); err == io.EOF {
			return n, nil
		} else if err != nil {
			return n, err
		}
		k := &b.hand[0]
		m, err := w.Write(k.b)
		n += int64(m)
		k.b = k.b[m:]
		if err == nil && len(k.b) > 0 {
			err = io.ErrShortWrite
		}
		if err != nil {
			return n, err
		}
		b.hand.drop()
	}
}

// Last returns all that is unread of the body, as if it had been read, if that has come whole and has
// at most n bytes.
func (b *responseBody) Last(n int) (p []byte, ok bool) {
	if b.err != io.EOF || len(b.hand) > 1 || b.shut.Load() {
		return nil, false
	}
	if len(b.hand) == 1 {
		k := &b.hand[0]
		if len(k.b) > n || k.pooled != nil { // which is used again
			return nil, false
		}
		p = k.b
		b.hand.drop()
	}
	b.end()
	return p, true
}

// wait waits until something is in hand, and returns an error if nothing comes any more. It calls
// idle, if that is not nil, before it has to wait.
func (b *responseBody) wait(idle func()) error {
	for len(b.hand) == 0 {
		if b.err != nil {
			return b.end()
		}
		b.st.c.mu.Lock()
		b.fetch()
		for idle == nil && len(b.hand) == 0 && b.err == nil {
			b.st.waiter.Wait()
			b.fetch()
		}
		b.st.c.mu.Unlock()
		switch {
		case b.err != nil:
			b.st.unwatch()
		case len(b.hand) == 0:
			idle()
			idle = nil // nothing is written meanwhile
		}
	}
	if b.shut.Load() {
		return errResponseClosed
	}
	return nil
}

// fetch takes what has come in hand, and gives it back to the stream's window. c.mu is
// held.
func (b *responseBody) fetch() {
	st := b.st
	c := st.c
	if len(st.chunks) > 0 {
		n := 0
		for i := range st.chunks {
			n += len(st.chunks[i].b)
		}
		b.hand, st.chunks = st.chunks, nil
		c.consumed(st, n)
	}
	switch {
	case st.shut:
		b.err = errResponseClosed
	case st.ended:
		b.err = io.EOF
	case st.closed:
		b.err = st.err
	}
}

// end returns what comes after the last of what was in hand, if that is known. At the end of the body
// it puts the trailers into the response: before, that has only those that were announced.
func (b *responseBody) end() error {
	st := b.st
	if b.err != io.EOF || st.trailer == nil {
		return b.err
	}
	if st.res.Trailer == nil {
		st.res.Trailer = st.trailer
	} else {
		maps.Copy(st.res.Trailer, st.trailer)
	}
	st.trailer = nil
	return b.err
}

// Close ends the stream, if all of the response has not come.
func (b *responseBody) Close() error {
	if b.shut.Swap(true) {
		return nil
	}
	st := b.st
	st.c.mu.Lock()
	st.shut = true
	st.chunks.discard()
	st.c.reset(st, http2.ErrCodeCancel, errResponseClosed)
	st.c.mu.Unlock()
	st.unwatch()
	return nil
}

// consumed gives n bytes of a response back to the window of its stream.
func (c *ClientConn) consumed(st *clientStream, n int) {
	c.mu.held()
	if st.closed || n == 0 {
		return
	}
	if n := st.in.giveBack(n); n > 0 {
		c.out.windowUpdate(st.id, n)
		c.scheduleWrite()
	}
}

// takeData takes the payload p of a DATA frame, without its padding. c.mu is held.
func (st *clientStream) takeData(f frame, p []byte, end bool) error {
	c := st.c
	c.mu.held()
	if !st.answered {
		return streamError{st.id, http2.ErrCodeProtocol, "DATA before a response"}
	}
	if !st.in.take(f.length) {
		return streamError{st.id, http2.ErrCodeFlowControl, "DATA beyond the window of the stream"}
	}
	c.consumed(st, f.length-len(p)) // nobody reads the padding
	if len(p) == 0 {
		return nil
	}
	st.came += int64(len(p))
	left := int64(-1)
	switch {
	case st.bodiless:
		return streamError{st.id, http2.ErrCodeProtocol, "DATA of a response that has no body"}
	case st.declared >= 0:
		// RFC 9113, section 8.1.1.
		if left = st.declared - st.came; left < 0 {
			return streamError{st.id, http2.ErrCodeProtocol, "more DATA than content-length"}
		}
	case end:
		left = 0
	}
	st.chunks.add(p, left)
	st.waiter.wake()
	return nil
}

// endBody ends the body of st, whose END_STREAM has come.
func (c *ClientConn) endBody(st *clientStream) error {
	c.mu.held()
	switch {
	case !st.answered:
		return streamError{st.id, http2.ErrCodeProtocol, "DATA before a response"}
	case st.declared >= 0 && st.came != st.declared && !st.bodiless:
		// RFC 9113, section 8.1.1.
		return streamError{st.id, http2.ErrCodeProtocol, "less DATA than content-length"}
	}
	c.end(st)
	return nil
}

var _ http.RoundTripper = (*ClientConn)(nil)
