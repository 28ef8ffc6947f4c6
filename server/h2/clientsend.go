package h2

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/larkspur-web/larkspur/environ/wire"
	"golang.org/x/net/http2"
)

// clientSending is the sending of a request's body, by a goroutine of its own. c.mu
// guards it.
type clientSending struct {
	waiter  waker // of the goroutine, if there is a body
	expects bool  // the body waits for a 100
	reading bool  // the goroutine reads the body
	closed  bool  // the body is closed
	done    bool  // END_STREAM is in the output
}

// firstRead is how much is read of a body that may be idle for long, before it has shown
// that it has more.
const firstRead = 2 << 10

// expectTime is how long a body waits for a 100. RFC 9110, section 10.1.1: "a client ...
// SHOULD NOT wait for an indefinite period".
const expectTime = time.Second

// send sends the body of a request that says it has length bytes, or -1, as a goroutine.
func (st *clientStream) send(length int64) {
	st.awaitContinue()
	c := st.c
	err := st.sendBody(length)
	c.mu.Lock()
	if err != nil {
		c.reset(st, http2.ErrCodeCancel, fmt.Errorf("h2: send the body: %w", err))
	}
	open := !st.sending.closed
	st.sending.closed = true
	c.mu.Unlock()
	if open {
		st.r.Body.Close()
	}
}

// awaitContinue waits until the server wants the body, if the request says that it does.
func (st *clientStream) awaitContinue() {
	c := st.c
	c.mu.Lock()
	defer c.mu.Unlock()
	if !st.sending.expects {
		return
	}
	timer := time.AfterFunc(expectTime, func() {
		c.mu.Lock()
		st.wantBody()
		c.mu.Unlock()
	})
	defer timer.Stop()
	for st.sending.expects && !st.closed {
		st.sending.waiter.Wait()
	}
}

// wantBody lets the body be sent.
func (st *clientStream) wantBody() {
	if st.sending.expects {
		st.sending.expects = false
		st.sending.waiter.wake()
	}
}

// errBodyLength is a body that is not as long as its request says.
var errBodyLength = errors.New("it is longer or shorter than Request.ContentLength")

// sendBody reads the body and sends it. It returns no error if the stream ends before.
func (st *clientStream) sendBody(length int64) error {
	var buf []byte
	switch {
	case length >= 0 && length < firstRead:
		buf = make([]byte, length+1) // the last is for what comes where the end should
	case length < 0:
		buf = make([]byte, firstRead)
	}
	var pooled *[]byte
	defer func() {
		if pooled != nil {
			chunks.Put(pooled)
		}
	}()
	sent := int64(0)
	for {
		if len(buf) == 0 {
			pooled = chunks.Get().(*[]byte)
			buf = (*pooled)[:dataSize+1]
		}
		n, err := st.read(buf[:len(buf)-1])
		if sent += int64(n); err == nil && sent == length {
			// The end comes with the last byte, if the body says so.
			var m int
			m, err = st.read(buf[n : n+1])
			sent += int64(m)
		}
		end := err == io.EOF
		switch {
		case err != nil && !end:
			return err
		case length >= 0 && (sent > length || end && sent < length):
			return errBodyLength
		}
		if over, err := st.transmit(buf[:n], end); over || err != nil {
			return err
		}
		if n == firstRead-1 && pooled == nil {
			buf = nil // there is more
		}
	}
}

// errStopped ends a body that nobody waits for any more.
var errStopped = errors.New("the stream has ended")

// read reads from the body. stopSending ends it. It locks c.mu.
func (st *clientStream) read(p []byte) (int, error) {
	st.c.mu.Lock()
	over := st.closed
	st.sending.reading = !over
	st.c.mu.Unlock()
	if over {
		return 0, errStopped
	}
	n, err := st.r.Body.Read(p)
	st.c.mu.Lock()
	st.sending.reading = false
	st.c.mu.Unlock()
	return n, err
}

// stopSending ends the goroutine that sends the body, if there is one.
func (st *clientStream) stopSending() {
	s := &st.sending
	s.waiter.wake()
	if s.reading && !s.closed {
		// Nothing else ends a Read, and a Close may take its time.
		s.closed = true
		go st.r.Body.Close()
	}
}

// transmit sends p as DATA, as the windows allow, and with end all that ends the stream.
// It reports whether the sending is over: it has ended, or the stream has. It locks c.mu.
func (st *clientStream) transmit(p []byte, end bool) (over bool, err error) {
	c := st.c
	c.mu.Lock()
	defer c.mu.Unlock()
	trailers := end && len(st.r.Trailer) > 0
	for !st.closed {
		n := min(len(p), int(min(st.out.n, c.flow.n)), c.peer.frameSize, dataSize, c.out.room())
		switch {
		case n > 0:
			c.sendData(st, p[:n], end && !trailers && n == len(p))
			p = p[n:]
		case len(p) > 0 || c.out.room() <= 0:
			c.awaitWindow(st)
		case trailers:
			return true, c.sendTrailers(st)
		default:
			if end && !st.sending.done {
				c.sendData(st, nil, true) // it needs no window: RFC 9113, section 6.9.1
			}
			return end, nil
		}
	}
	return true, nil
}

// sendData puts a DATA frame into the output, whose room and windows have been checked.
func (c *ClientConn) sendData(st *clientStream, p []byte, end bool) {
	c.mu.held()
	var flags http2.Flags
	if end {
		flags = flagEndStream
		st.sending.done = true
	}
	c.out.frame(http2.FrameData, flags, st.id, len(p))
	c.out.buf = append(c.out.buf, p...)
	st.out.take(len(p))
	c.flow.take(len(p))
	c.scheduleWrite()
}

// awaitWindow waits until more of a body may be sent. mu is held, but released while it
// waits.
func (c *ClientConn) awaitWindow(st *clientStream) {
	if st.out.n > 0 {
		// It waits for what all wait for.
		c.out.enlist(&st.sending.waiter)
	}
	st.sending.waiter.Wait()
	if st.closed && st.sending.waiter.listed {
		c.out.delist(&st.sending.waiter)
	}
}

// sendTrailers ends a request by its trailers.
func (c *ClientConn) sendTrailers(st *clientStream) error {
	fields, err := trailerFields(st.r.Trailer)
	if err != nil {
		return err
	}
	st.sending.done = true
	at := c.out.beginHeaders(&c.encoder, st.id, flagEndStream)
	for i := range fields {
		c.out.buf = c.encoder.field(c.out.buf, fields[i].name, fields[i].value)
	}
	c.out.sealBlock(at, c.peer.frameSize)
	c.scheduleWrite()
	return nil
}

// trailerFields are the fields of a trailer, whose names may still be invalid: the body's
// reader may have added some.
func trailerFields(trailer http.Header) (fields []wireField, err error) {
	for name, values := range trailer {
		known, ok := wireName(name)
		if !ok {
			return nil, fmt.Errorf("the name of the trailer %q is invalid", name)
		}
		for _, v := range values {
			if !wire.Value(v) {
				return nil, fmt.Errorf("the value of the trailer %s is invalid", known.lower)
			}
			fields = append(fields, wireField{known, wire.Trim(v)})
		}
	}
	return fields, nil
}
