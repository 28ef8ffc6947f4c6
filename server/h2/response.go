package h2

import (
	"fmt"
	"net/http"
	"net/textproto"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/larkspur-web/larkspur/environ/wire"
	"golang.org/x/net/http/httpguts"
	"golang.org/x/net/http2"
)

// A scratch holds what a response gathers while its handler runs. It belongs to the
// worker, which uses it for one response after another.
type scratch struct {
	buf    []byte      // what was written of the body and not sent yet
	fields []wireField // the fields of the header
}

// A wireField is a field that is ready to be encoded: name and value are valid.
type wireField struct {
	name  fieldName
	value string
}

// A response is the http.ResponseWriter of a stream. Its methods may be called
// concurrently, and after the handler has returned, when they do nothing.
//
// st and head do not change. header belongs to the handler, which must not change
// it during a call of another method, as with any http.ResponseWriter. mu guards
// the rest. It is held while a write waits for the client, so concurrent writes do
// not mix.
type response struct {
	st   *stream
	head bool // the method is HEAD

	mu       sync.Mutex
	header   http.Header
	s        *scratch // nil unless the handler runs
	status   int      // 0 before WriteHeader
	sent     bool     // the header is in the output
	lacks    lacks
	length   int64 // the Content-Length of the handler; -1 if there is none
	written  int64 // bytes that the handler has written
	trailers []string

	// lost is set when the stream has failed: what is written then reaches nobody. It
	// is read without a lock.
	lost atomic.Bool
}

// lacks says which fields the handler has not set, so that the server adds them.
type lacks struct {
	kind bool // Content-Type, and Content-Encoding, which would hide the type
	date bool // Date
	size bool // Content-Length
}

// start prepares the response for its handler.
func (w *response) start(st *stream, s *scratch) {
	w.st, w.s, w.length = st, s, -1
	w.head = st.req.method == http.MethodHead
	s.buf = s.buf[:0]
}

// Header is the header that WriteHeader will send.
func (w *response) Header() http.Header {
	if w.header == nil {
		w.header = http.Header{}
	}
	return w.header
}

// WriteHeader takes the header as it is now, and, if it is an interim one, sends
// it.
func (w *response) WriteHeader(status int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.writeHeader(status)
}

// writeHeader is WriteHeader, for those who hold w.mu.
func (w *response) writeHeader(status int) {
	if w.status != 0 || w.s == nil {
		return
	}
	// Three digits, as net/http demands: a mistake of the handler's, which it
	// should see.
	if status < 100 || status > 999 {
		panic(fmt.Sprintf("invalid WriteHeader code %d", status))
	}
	if status == http.StatusSwitchingProtocols {
		status = http.StatusNotImplemented // RFC 9113, section 8.6: HTTP/2 has no 101
	}
	w.takeHeader()
	if status < 200 {
		w.sendInterim(status)
		return
	}
	w.status = status
}

// WriteFields is WriteHeader for a header that is a list, as [wire.FieldWriter] says.
func (w *response) WriteFields(status int, fields []wire.Field, length int64) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.status != 0 || w.s == nil || w.header != nil || status < 200 || status > 999 {
		return false
	}
	w.beginHeader()
	for i := range fields {
		if known, ok := wireName(fields[i].Name); ok {
			value := [...]string{fields[i].Value}
			w.add(known, value[:])
		}
	}
	w.lacks.kind, w.lacks.size, w.length = false, w.lacks.size && length < 0, length
	w.status = status
	return true
}

// takeHeader copies the fields of the header, which the handler may change later.
func (w *response) takeHeader() {
	w.beginHeader()
	for name, values := range w.header {
		if known, ok := wireName(name); ok {
			w.add(known, values)
		} else if name == "Connection" {
			w.takeConnection(values)
		}
	}
}

// beginHeader begins to gather the fields of a header.
func (w *response) beginHeader() {
	w.s.fields = w.s.fields[:0]
	w.lacks = lacks{kind: true, date: !w.st.c.srv.Backend, size: true}
	w.trailers = w.trailers[:0]
}

// takeConnection reads the field Connection. RFC 9113, section 8.2.2: HTTP/2 has none. As net/http
// does, "close" is understood all the same, from a handler; an answer that was ready came about on
// another connection.
func (w *response) takeConnection(values []string) {
	if slices.Contains(values, "close") && w.st.promise.answer == nil {
		c := w.st.c
		c.mu.Lock()
		c.shutdown()
		c.mu.Unlock()
	}
}

// add adds a field to those that are sent, and notes what it says about the response.
func (w *response) add(name fieldName, values []string) {
	switch name.lower {
	case "content-type":
		w.lacks.kind = false
	case "content-encoding":
		if len(values) > 0 && values[0] != "" {
			w.lacks.kind = false
		}
	case "date":
		w.lacks.date = false
	case "content-length":
		// It is sent as sendHeader understands it, once, or left out.
		w.lacks.size = false
		if len(values) > 0 {
			n, ok := parseLength(values[0])
			if ok {
				w.length = n
			}
			w.lacks.size = !ok
		}
		return
	case "trailer":
		w.lacks.size = false // as in net/http: who takes it on to HTTP/1 needs chunks for them
		for _, v := range values {
			for t := range strings.SplitSeq(v, ",") {
				w.declareTrailer(textproto.TrimString(t))
			}
		}
	}
	w.s.fields = appendValues(w.s.fields, name, values)
}

// appendFields appends those of the values that can be sent, if the name can. What
// cannot is left out without a word, as net/http does.
func appendFields(fields []wireField, name string, values []string) []wireField {
	known, ok := wireName(name)
	if !ok {
		return fields
	}
	return appendValues(fields, known, values)
}

func appendValues(fields []wireField, name fieldName, values []string) []wireField {
	for _, v := range values {
		// RFC 9113, section 8.2.1.
		if wire.Value(v) {
			fields = append(fields, wireField{name, wire.Trim(v)})
		}
	}
	return fields
}

// declareTrailer notes the name of a trailer.
func (w *response) declareTrailer(name string) {
	name = http.CanonicalHeaderKey(name)
	if httpguts.ValidTrailerHeader(name) && !slices.Contains(w.trailers, name) {
		w.trailers = append(w.trailers, name)
	}
}

// bodyless reports whether the status allows no body. RFC 9110, section 6.4.1.
func (w *response) bodyless() bool {
	return w.status == http.StatusNoContent || w.status == http.StatusNotModified
}

// sendInterim sends an interim response at once. RFC 9110, section 15.2.
func (w *response) sendInterim(status int) {
	c := w.st.c
	c.mu.Lock()
	defer c.mu.Unlock()
	if w.st.state.headersSent || c.waitForRoom(w.st) != nil {
		return
	}
	c.sendFields(w.st.id, 0, status, w.s.fields)
	w.length = -1 // it was not this response's
	if !c.out.flushing {
		c.flush(w.st)
	}
}

// sendContinue sends the 100 that the client waits for before its body. RFC 9110,
// section 10.1.1. It is called without c.mu.
func (st *stream) sendContinue() {
	c := st.c
	c.mu.Lock()
	defer c.mu.Unlock()
	if st.state.headersSent || st.state.closed {
		return
	}
	c.sendFields(st.id, 0, http.StatusContinue, nil)
	c.scheduleFlush()
}

// sendHeader puts the header into the output. body is the beginning of the body,
// or, if whole, all of it. With end, nothing follows. c.mu is held, and the output
// has room.
func (w *response) sendHeader(body []byte, whole, end bool, now time.Time) {
	c := w.st.c
	c.mu.held()
	w.sent = true
	w.st.state.headersSent = true
	if w.st.page.promises > 0 {
		w.st.page.lastSent = c.now()
	}
	var flags http2.Flags
	if end {
		flags = flagEndStream
	}
	at := c.out.beginHeaders(&c.encoder, w.st.id, flags)
	e := &c.encoder
	out := e.status(c.out.buf, w.status)
	for i := range w.s.fields {
		out = e.field(out, w.s.fields[i].name, w.s.fields[i].value)
	}
	// RFC 9110, section 8.6: a 204 has no length. Without a word of the handler's,
	// a body that is here whole has its own; but to HEAD a handler may well write
	// nothing, which says nothing of what GET would get. Section 9.3.2: HEAD has the
	// fields that GET has, and a larger body goes out in pieces, without a length.
	if w.length >= 0 && w.status != http.StatusNoContent {
		out = e.length(out, w.length)
	} else if n := w.written; w.lacks.size && whole && !w.bodyless() &&
		(!w.head || 0 < n && n <= maxBuffered) {
		out = e.length(out, n)
	}
	if w.lacks.kind && len(body) > 0 && !w.bodyless() {
		out = e.field(out, contentType, http.DetectContentType(body))
	}
	if w.lacks.date {
		out = e.field(out, date, c.srv.clock.at(now))
	}
	c.out.buf = out
	c.out.sealBlock(at, c.client.frameSize)
}

// The fields that are added.
var (
	contentType = knownNames["Content-Type"]
	date        = knownNames["Date"]
)

// sendFields puts a block into the output that is sent as it is: an interim
// response, or, with the status 0, trailers.
func (c *conn) sendFields(id uint32, flags http2.Flags, status int, fields []wireField) {
	at := c.out.beginHeaders(&c.encoder, id, flags)
	if status != 0 {
		c.out.buf = c.encoder.status(c.out.buf, status)
	}
	for i := range fields {
		c.out.buf = c.encoder.field(c.out.buf, fields[i].name, fields[i].value)
	}
	c.out.sealBlock(at, c.client.frameSize)
}
