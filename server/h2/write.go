package h2

import (
	"net/http"
	"slices"
	"strings"
	"time"
	"unsafe"

	"golang.org/x/net/http2"
)

// The life of a body: Write gathers it in the scratch; what is more than
// maxBuffered goes to the output, as far as the client takes it, and finish sends
// the rest, if possible with the header.

// maxBuffered is how much of a body is kept back, so that one that is no larger
// goes out at once and with its length.
const maxBuffered = dataSize

// Write writes a part of the body. It may wait for the client to open its windows.
func (w *response) Write(p []byte) (int, error) { return write(w, p) }

// WriteString is Write, without a copy of s.
func (w *response) WriteString(s string) (int, error) { return write(w, s) }

// write is Write for both.
func write[T []byte | string](w *response, p T) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.s == nil {
		return 0, errEnded
	}
	if w.lost.Load() {
		return 0, w.failed()
	}
	if w.status == 0 {
		w.writeHeader(http.StatusOK)
	}
	if w.bodyless() {
		return 0, http.ErrBodyNotAllowed
	}
	// As in net/http, a write beyond the Content-Length writes nothing.
	if w.written += int64(len(p)); w.length >= 0 && w.written > w.length {
		w.written -= int64(len(p))
		return 0, http.ErrContentLength
	}
	if w.head {
		// The first 512 bytes are kept to detect the Content-Type.
		w.s.buf = append(w.s.buf, p[:min(len(p), max(0, 512-len(w.s.buf)))]...)
		return len(p), nil
	}
	if len(w.s.buf)+len(p) <= maxBuffered {
		w.s.buf = append(w.s.buf, p...)
		return len(p), nil
	}
	if len(w.s.buf) > 0 {
		if err := w.send(); err != nil {
			return 0, err
		}
	}
	if len(p) <= maxBuffered/2 {
		// It is gathered with what follows, rather than sent as a small frame.
		w.s.buf = append(w.s.buf, p...)
		return len(p), nil
	}
	// What is large is not copied before it is sent: the handler waits.
	if err := w.sendData(view(p)); err != nil {
		return 0, err
	}
	return len(p), nil
}

// failed is the error of a response whose stream has failed. A handler that goes on
// nevertheless does not count for MaxHandlers.
func (w *response) failed() error {
	c := w.st.c
	c.srv.workers.releaseSlot(w.st)
	c.mu.Lock()
	defer c.mu.Unlock()
	return w.st.state.err
}

// view is p as bytes that are only read: nothing keeps them beyond the Write, or
// changes them.
func view[T []byte | string](p T) []byte {
	if s, ok := any(p).(string); ok {
		return unsafe.Slice(unsafe.StringData(s), len(s))
	}
	return []byte(p)
}

// send sends what is gathered.
func (w *response) send() error {
	p := w.s.buf
	w.s.buf = w.s.buf[:0]
	return w.sendData(p)
}

// sendData sends the header, if it is not sent, and p, and waits until both are in
// the output.
func (w *response) sendData(p []byte) error {
	c := w.st.c
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.waitForRoom(w.st); err != nil {
		return err
	}
	if !w.sent {
		w.sendHeader(p, false, w.head, time.Now())
		if w.head {
			c.endLocal(w.st) // a response to HEAD has no trailers
			if c.streams.answered == nil {
				c.streams.answered = map[*stream]struct{}{}
			}
			c.streams.answered[w.st] = struct{}{}
		}
	}
	if w.head || len(p) == 0 {
		return nil
	}
	return c.transmit(w.st, p)
}

// finish ends the response when the handler has returned. It reports whether it is
// to be written at once.
func (w *response) finish() (flush bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.status == 0 {
		w.writeHeader(http.StatusOK)
	}
	trailers := w.takeTrailers()
	now := time.Now() // once, for the Date field and for flushNow

	c, st := w.st.c, w.st
	c.mu.Lock()
	defer c.mu.Unlock()
	defer w.end()
	w.header = nil
	c.dropRequest(st)
	if c.waitForRoom(st) != nil {
		return false // the stream is closed
	}
	// RFC 9113, section 8.1.1: a body shorter than content-length is malformed. As
	// net/http does, what there is of it is sent; but it does not end as a whole one.
	st.out.short = !w.head && !w.bodyless() && w.written < w.length
	w.finishBody(trailers, now)
	return c.flushNow(int64(now.Sub(c.epoch)))
}

// finishBody sends what is left of the response, with the header if that is not sent
// yet. c.mu is held.
func (w *response) finishBody(trailers []wireField, now time.Time) {
	c, st := w.st.c, w.st
	body := w.s.buf
	if w.head || w.bodyless() {
		body = nil // it is not sent, but has told type and length
	}
	end := len(body) == 0 && len(trailers) == 0 && !st.out.short
	switch {
	case !w.sent:
		w.sendHeader(w.s.buf, true, end, now)
		if end {
			c.endLocal(st)
			return
		}
	case end:
		c.endEmpty(st)
		return
	}
	c.conclude(st, body, trailers)
}

// end gives back the scratch and the handler's place. All methods do nothing
// afterwards. c.mu is held.
func (w *response) end() {
	w.s.buf = w.s.buf[:0]
	clear(w.s.fields)
	w.s = nil
	delete(w.st.c.streams.answered, w.st)
	w.st.c.handlerEnded()
}

// takeTrailers takes the trailers out of the header: the fields that the Trailer
// field announced, and those with http.TrailerPrefix. RFC 9110, section 6.5.
func (w *response) takeTrailers() (fields []wireField) {
	for name := range w.header {
		if t, ok := strings.CutPrefix(name, http.TrailerPrefix); ok {
			w.declareTrailer(t)
			w.header[http.CanonicalHeaderKey(t)] = w.header[name]
		}
	}
	slices.Sort(w.trailers) // maps have no order
	for _, name := range w.trailers {
		fields = appendFields(fields, name, w.header[name])
	}
	return fields
}

// abort ends the response of a handler that has panicked or ended its goroutine. A
// response that was already complete is not affected.
func (w *response) abort() {
	w.mu.Lock()
	defer w.mu.Unlock()
	c := w.st.c
	c.mu.Lock()
	defer c.mu.Unlock()
	if w.s != nil {
		w.end()
	}
	c.dropRequest(w.st)
	if !w.st.state.closed {
		c.reset(w.st.id, http2.ErrCodeInternal)
		c.scheduleFlush()
	}
}

// refuse answers a request that no handler sees.
func (w *response) refuse(status int) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	w.WriteString(http.StatusText(status) + "\n")
}
