package h2

import (
	"fmt"
	"net/http"
	"net/textproto"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/larkspur-web/larkspur/environ/wire"
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
	st   *stream
	head bool // the method is HEAD

	mu       sync.Mutex
	header   http.Header
	s        *scratch // nil before and after the handler
	status   int      // 0: WriteHeader was not called
	sent     bool     // the header is sent
	plain    bool     // no field says what kind of body it is
	undated  bool     // no field says when it is
	unsized  bool     // no field says how long it is
	length   int64    // what Content-Length says; -1: nothing
	written  int64
	trailers []string
}

func (w *response) start(st *stream, s *scratch) {
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
		if strings.HasPrefix(name, http.TrailerPrefix) {
			continue
		}
		known, ok := wireName(name)
		if !ok {
			continue
		}
		for _, v := range values {
			// RFC 9113, section 8.2.1.
			if wire.Value(v) {
				fields = append(fields, responseField{known, strings.Trim(v, " \t")})
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
func (st *stream) proceed() {
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

// sendHeader puts the header into the output. body is the beginning of the body, or, if whole, all of
// it; end says that nothing follows. c.mu is held, and the output has room.
func (w *response) sendHeader(body []byte, whole, end bool, now time.Time) {
	c := w.st.c
	w.sent = true
	w.st.headersSent = true
	if w.st.promises > 0 {
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
