package h2

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"
	"unsafe"

	"github.com/larkspur-web/larkspur/environ/wire"
	"golang.org/x/net/http2"
)

// The life of a body: Write gathers it in the scratch; what is more than maxBuffered goes to the
// output, as far as the client takes it, and finish sends the rest, if possible with the header.

func (w *response) Write(p []byte) (int, error)       { return write(w, p) }
func (w *response) WriteString(s string) (int, error) { return write(w, s) }

func write[T []byte | string](w *response, p T) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.s == nil {
		return 0, errEnded
	}
	if w.status == 0 {
		w.writeHeader(http.StatusOK)
	}
	if w.bodyless() {
		return 0, http.ErrBodyNotAllowed
	}
	if w.written += int64(len(p)); w.length >= 0 && w.written > w.length {
		w.written -= int64(len(p))
		return 0, http.ErrContentLength
	}
	if w.head {
		// What is kept tells the kind of the body.
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
		w.s.buf = append(w.s.buf, p...)
		return len(p), nil
	}
	// A large string is not copied first: what waits for a client's window is the handler's own.
	if err := w.sendData(view(p)); err != nil {
		return 0, err
	}
	return len(p), nil
}

// view is p as bytes that are only read.
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

// sendData sends the header, if it is not sent, and p, and waits until both are in the output.
func (w *response) sendData(p []byte) error {
	c := w.st.c
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.reserve(w.st); err != nil {
		return err
	}
	if !w.sent {
		w.sendHeader(p, false, w.head, time.Now())
		if w.head {
			c.endLocal(w.st)
		}
	}
	if w.head || len(p) == 0 {
		return nil
	}
	return c.transmit(w.st, p, false)
}

// finish ends the response when the handler has returned. It says if it is to be written at once.
func (w *response) finish() (flush bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.status == 0 {
		w.writeHeader(http.StatusOK)
	}
	trailers := w.endTrailers()
	body := w.s.buf
	now := time.Now()

	c := w.st.c
	c.mu.Lock()
	defer c.mu.Unlock()
	defer w.end()
	if c.reserve(w.st) != nil {
		return false
	}
	if !w.head && !w.bodyless() && w.length >= 0 && w.written < w.length {
		// RFC 9113, section 8.1.1: the client must not take it for whole.
		c.reset(w.st.id, http2.ErrCodeInternal)
		return true
	}
	end := len(trailers) == 0
	if w.head || w.bodyless() {
		if !w.sent {
			w.sendHeader(body, true, end, now)
			if end {
				c.endLocal(w.st)
			}
		} else if end {
			c.endEmpty(w.st)
		}
	} else {
		ended := false
		if !w.sent {
			ended = end && len(body) == 0
			w.sendHeader(body, true, ended, now)
		}
		switch {
		case ended:
			c.endLocal(w.st)
		case len(body) > 0:
			if c.transmit(w.st, body, end) != nil {
				return false
			}
		case end:
			c.endEmpty(w.st)
		}
	}
	if !end && !w.st.dead {
		at := len(c.outBuffer())
		c.out = appendFrame(c.outBuffer(), http2.FrameHeaders, flagEndStream, w.st.id, 0)
		c.out = c.encoder.begin(c.out)
		for _, f := range trailers {
			c.out = c.encoder.field(c.out, f.name, f.value)
		}
		c.sealBlock(at)
		c.endLocal(w.st)
	}
	return c.responded(int64(now.Sub(c.epoch)))
}

// end gives back the scratch; c.mu is held.
func (w *response) end() {
	w.s.buf = w.s.buf[:0]
	clear(w.s.fields)
	w.s = nil
	w.st.c.handlerEnded()
}

// endEmpty ends the response by a DATA frame without payload, for which no window is needed.
func (c *conn) endEmpty(st *stream) {
	c.out = appendFrame(c.outBuffer(), http2.FrameData, flagEndStream, st.id, 0)
	c.endLocal(st)
}

// endTrailers are the trailers: the fields that the Trailer field announced, and those with
// http.TrailerPrefix.
func (w *response) endTrailers() (fields []responseField) {
	for name := range w.header {
		if t, ok := strings.CutPrefix(name, http.TrailerPrefix); ok {
			w.declareTrailer(t)
			w.header[http.CanonicalHeaderKey(t)] = w.header[name]
		}
	}
	slices.Sort(w.trailers)
	for _, name := range w.trailers {
		known, ok := wireName(name)
		for _, v := range w.header[name] {
			if ok && wire.Value(v) {
				fields = append(fields, responseField{known, strings.Trim(v, " \t")})
			}
		}
	}
	return fields
}

// abort ends the response when the handler has not returned but panicked.
func (w *response) abort() {
	w.mu.Lock()
	defer w.mu.Unlock()
	c := w.st.c
	c.mu.Lock()
	defer c.mu.Unlock()
	if w.s != nil {
		w.end()
	}
	if !w.st.dead {
		c.reset(w.st.id, http2.ErrCodeInternal)
		c.kick()
	}
}

// refuse answers a request that no handler sees.
func (w *response) refuse(status int) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	w.WriteString(http.StatusText(status) + "\n")
}

// Flush sends what is gathered.
func (w *response) Flush() { w.FlushError() }

// FlushError is Flush, and says if the client can no longer get it.
func (w *response) FlushError() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.s == nil {
		return errEnded
	}
	if w.status == 0 {
		w.writeHeader(http.StatusOK)
	}
	if err := w.send(); err != nil {
		return err
	}
	c := w.st.c
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.flushing && c.broken == nil {
		c.flush(w.st)
	}
	if w.st.dead && !errors.Is(w.st.err, errEnded) {
		return w.st.err
	}
	return nil
}

// SetReadDeadline has reads of the request's body fail from t on, with os.ErrDeadlineExceeded. The
// zero time takes the deadline away.
func (w *response) SetReadDeadline(t time.Time) error {
	return w.setDeadline(&w.st.readBy, t)
}

// SetWriteDeadline has the stream reset at t, if it has not ended by then. The zero time takes the
// deadline away.
func (w *response) SetWriteDeadline(t time.Time) error {
	return w.setDeadline(&w.st.writeBy, t)
}

func (w *response) setDeadline(by *int64, t time.Time) error {
	c := w.st.c
	c.mu.Lock()
	defer c.mu.Unlock()
	*by = 0
	if t.IsZero() || w.st.dead {
		return nil
	}
	*by = max(1, int64(t.Sub(c.epoch)))
	if *by <= c.now() {
		c.expire(w.st, *by)
		c.kick()
		return nil
	}
	c.arm(*by)
	return nil
}

// EnableFullDuplex does nothing: a stream is always so.
func (w *response) EnableFullDuplex() error { return nil }

// errDeadline is what a handler meets after a deadline.
var errDeadline = fmt.Errorf("h2: %w", os.ErrDeadlineExceeded)
