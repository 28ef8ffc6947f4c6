package h2

import (
	"errors"
	"fmt"
	"net/http"
	"net/textproto"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/http/httpguts"
	"golang.org/x/net/http2"
)

// A scratch is what a response is gathered in; a worker lends it to one after another.
type scratch struct {
	buf    []byte
	fields []responseField
}

type responseField struct {
	name  fieldName
	value string
}

// maxBuffered is how much of a body is kept back, so that one that is no larger goes out at once and
// with its length.
const maxBuffered = dataSize

// A response is the http.ResponseWriter of a stream. Its methods may be called by several
// goroutines, and after the handler has returned, when they do nothing.
type response struct {
	st   *Stream
	head bool // the method is HEAD

	mu       sync.Mutex
	header   http.Header
	s        *scratch // nil before and after the handler
	status   int      // 0: WriteHeader was not called
	sent     bool     // the header is sent
	ended    bool
	plain    bool  // no field says what kind of body it is
	undated  bool  // no field says when it is
	unsized  bool  // no field says how long it is
	length   int64 // what Content-Length says; -1: nothing
	written  int64
	trailers []string
}

func (w *response) start(st *Stream, s *scratch) {
	w.st, w.s, w.length = st, s, -1
	w.head = st.method == http.MethodHead
	s.buf = s.buf[:0]
}

func (w *response) Header() http.Header {
	if w.header == nil {
		w.header = http.Header{}
	}
	return w.header
}

// WriteHeader takes the header as it is now, and, if it is an interim one, sends it.
func (w *response) WriteHeader(status int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.writeHeader(status)
}

func (w *response) writeHeader(status int) {
	if w.status != 0 || w.s == nil {
		return
	}
	if status < 100 || status > 999 {
		panic(fmt.Sprintf("h2: invalid status %d", status))
	}
	if status == http.StatusSwitchingProtocols {
		status = http.StatusNotImplemented // RFC 9113, section 8.6: HTTP/2 has no 101
	}
	w.take()
	if status < 200 {
		w.interim(status)
		return
	}
	w.status = status
}

// take takes the fields out of the header, which the handler may change later.
func (w *response) take() {
	fields := w.s.fields[:0]
	w.plain, w.undated, w.unsized = true, true, true
	w.trailers = w.trailers[:0]
	for name, values := range w.header {
		switch name {
		case "Content-Type":
			w.plain = false
		case "Content-Encoding":
			if len(values) > 0 && values[0] != "" {
				w.plain = false
			}
		case "Date":
			w.undated = false
		case "Content-Length":
			w.unsized = false
			if len(values) > 0 {
				n, ok := parseLength(values[0])
				if ok {
					w.length = n
				}
				w.unsized = !ok
			}
			continue
		case "Connection":
			if slices.Contains(values, "close") {
				w.st.c.mu.Lock()
				w.st.c.shutdown()
				w.st.c.mu.Unlock()
			}
			continue
		case "Trailer":
			for _, v := range values {
				for t := range strings.SplitSeq(v, ",") {
					w.declareTrailer(textproto.TrimString(t))
				}
			}
		}
		if connectionField(name) || strings.HasPrefix(name, http.TrailerPrefix) {
			continue
		}
		wire, ok := wireName(name)
		if !ok {
			continue
		}
		for _, v := range values {
			// RFC 9113, section 8.2.1.
			if httpguts.ValidHeaderFieldValue(v) {
				fields = append(fields, responseField{wire, strings.Trim(v, " \t")})
			}
		}
	}
	w.s.fields = fields
}

func (w *response) declareTrailer(name string) {
	name = http.CanonicalHeaderKey(name)
	if httpguts.ValidTrailerHeader(name) && !slices.Contains(w.trailers, name) {
		w.trailers = append(w.trailers, name)
	}
}

// bodyless says if the status allows no body. RFC 9110, section 6.4.1.
func (w *response) bodyless() bool {
	return w.status == http.StatusNoContent || w.status == http.StatusNotModified
}

// interim sends an interim response at once. RFC 9110, section 15.2.
func (w *response) interim(status int) {
	c := w.st.c
	c.mu.Lock()
	defer c.mu.Unlock()
	if w.st.headersSent || c.reserve(w.st) != nil {
		return
	}
	at := len(c.outBuffer())
	c.out = appendFrame(c.outBuffer(), http2.FrameHeaders, 0, w.st.id, 0)
	c.out = c.encoder.status(c.encoder.begin(c.out), status)
	for i := range w.s.fields {
		c.out = c.encoder.field(c.out, w.s.fields[i].name, w.s.fields[i].value)
	}
	c.sealBlock(at)
	w.length = -1
	if !c.flushing {
		c.flush(w.st)
	}
}

// proceed sends the 100 that the client waits for before its body. RFC 9110, section 10.1.1.
func (st *Stream) proceed() {
	c := st.c
	c.mu.Lock()
	defer c.mu.Unlock()
	if st.headersSent || st.dead {
		return
	}
	at := len(c.outBuffer())
	c.out = appendFrame(c.outBuffer(), http2.FrameHeaders, 0, st.id, 0)
	c.out = c.encoder.status(c.encoder.begin(c.out), http.StatusContinue)
	c.sealBlock(at)
	c.kick()
}

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
	if err := w.sendData([]byte(p)); err != nil {
		return 0, err
	}
	return len(p), nil
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

// sendHeader puts the header into the output. body is the beginning of the body, or, if whole, all of
// it; end says that nothing follows. c.mu is held, and the output has room.
func (w *response) sendHeader(body []byte, whole, end bool, now time.Time) {
	c := w.st.c
	w.sent = true
	w.st.headersSent = true
	if w.st.promised > 0 {
		w.st.lastSent = c.now()
	}
	var flags http2.Flags
	if end {
		flags = flagEndStream
	}
	e := &c.encoder
	out := c.outBuffer()
	at := len(out)
	out = appendFrame(out, http2.FrameHeaders, flags, w.st.id, 0)
	out = e.status(e.begin(out), w.status)
	for i := range w.s.fields {
		out = e.field(out, w.s.fields[i].name, w.s.fields[i].value)
	}
	if w.length >= 0 && w.status != http.StatusNoContent {
		out = e.length(out, w.length)
	} else if n := w.written; w.unsized && whole && !w.bodyless() && (n > 0 || !w.head) {
		out = e.length(out, n)
	}
	if w.plain && len(body) > 0 && !w.bodyless() {
		out = e.field(out, contentType, http.DetectContentType(body))
	}
	if w.undated {
		out = e.field(out, date, c.srv.clock.at(now))
	}
	c.out = out
	c.sealBlock(at)
}

var (
	contentType = knownNames["Content-Type"]
	date        = knownNames["Date"]
)

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
	w.st.c.handlers--
}

// endEmpty ends the response by a DATA frame without payload, for which no window is needed.
func (c *conn) endEmpty(st *Stream) {
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
		wire, ok := wireName(name)
		for _, v := range w.header[name] {
			if ok && httpguts.ValidHeaderFieldValue(v) {
				fields = append(fields, responseField{wire, strings.Trim(v, " \t")})
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
