package compress

import (
	"cmp"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/larkspur-web/larkspur/environ/wire"
)

// A writer is the http.ResponseWriter of a handler whose response may be compressed. It belongs to the
// goroutine that serves the request.
type writer struct {
	http.ResponseWriter
	filter  *Filter
	coding  string // that the client wants; "" for none
	asked   string // that of the ETag which the client has; "" for none
	head    bool   // no body is sent
	private bool   // the request may be of somebody who has secrets

	begun   bool
	pending int    // a status whose header waits for the first byte: without any there is no coding
	stream  bool   // it counts among the streams
	encoder *coder // nil if it is not compressed
}

// Unwrap is http.ResponseController's.
func (w *writer) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// WriteHeader decides whether the response is compressed.
func (w *writer) WriteHeader(status int) {
	if !w.begun && (status >= 200 || status == http.StatusSwitchingProtocols) {
		w.begun = true
		if w.decide(status) {
			w.pending = status
			return
		}
	}
	w.ResponseWriter.WriteHeader(status)
}

// start sends the header of a response that is compressed.
func (w *writer) start() {
	status := w.pending
	w.pending = 0
	h := w.Header()
	h.Del("Content-Length")
	h.Del("Accept-Ranges")
	h.Set("Content-Encoding", w.coding)
	if tag := h.Get("Etag"); tag != "" {
		h.Set("Etag", marked(tag, w.coding))
	}
	w.ResponseWriter.WriteHeader(status)
	if !w.head {
		w.encoder = newEncoder(w.coding, w.ResponseWriter)
	}
}

// ready reports whether the response is compressed, of which something is to be sent now.
func (w *writer) ready() bool {
	if !w.begun {
		w.WriteHeader(http.StatusOK)
	}
	if w.pending != 0 {
		w.start()
	}
	return w.encoder != nil
}

// decide reports whether a response with the status is compressed, if it has a body.
func (w *writer) decide(status int) bool {
	h := w.Header()
	switch {
	case status == http.StatusNotModified:
		// RFC 9110, section 15.4.5: the ETag is that of what the client has.
		if tag := h.Get("Etag"); tag != "" && w.asked != "" {
			h.Set("Etag", marked(tag, w.asked))
			vary(h)
		}
		return false
	case status < 200 || status == http.StatusNoContent || status == http.StatusResetContent ||
		status == http.StatusPartialContent || !w.filter.may(h, w.private):
		return false
	}
	length, err := strconv.ParseInt(h.Get("Content-Length"), 10, 64)
	known := err == nil
	if known && length < cmp.Or(w.filter.MinSize, 1024) || !known && w.head {
		return false // of what HEAD is answered without a length nobody knows how GET would be
	}
	vary(h)
	return w.coding != "" && (known || w.begin())
}

// begin counts a stream, unless there are too many.
func (w *writer) begin() bool {
	if w.filter.streams.Add(1) > cmp.Or(w.filter.Streams, maxStreams) {
		w.filter.streams.Add(-1)
		return false
	}
	w.stream = true
	return true
}

// may reports whether a response with this header becomes smaller, and may.
func (f *Filter) may(h http.Header, private bool) bool {
	media, _, _ := strings.Cut(h.Get("Content-Type"), ";")
	media = strings.ToLower(wire.Trim(media))
	if h["Content-Encoding"] != nil || h["Content-Range"] != nil || !compressible(media) ||
		// RFC 9111, section 5.2.2.6.
		wire.Listed(h["Cache-Control"], "no-transform") {
		return false
	}
	if f.Secrets || harmless(media) || wire.Listed(h["Cache-Control"], "public") {
		return true
	}
	return !private && h["Set-Cookie"] == nil
}

// compressible reports whether what has the media type becomes smaller, as a rule.
func compressible(media string) bool {
	kind, sub, _ := strings.Cut(media, "/")
	switch kind {
	case "text":
		return true
	case "application", "image", "font", "model":
		return strings.HasSuffix(sub, "+json") || strings.HasSuffix(sub, "+xml") || smaller[media]
	}
	return false
}

// smaller are the types that do, and whose names do not tell.
var smaller = map[string]bool{
	"application/json": true, "application/javascript": true, "application/xml": true,
	"application/wasm": true, "application/x-ndjson": true, "application/yaml": true,
	"application/toml": true, "application/vnd.ms-fontobject": true, "application/x-tar": true,
	"application/graphql": true, "application/json-seq": true,
	"image/bmp": true, "image/x-icon": true, "image/vnd.microsoft.icon": true,
	"font/ttf": true, "font/otf": true,
}

// harmless reports whether the type is one of what goes with a page and repeats nothing of a request.
func harmless(media string) bool {
	switch media {
	case "text/css", "text/javascript", "application/javascript", "application/wasm",
		"application/vnd.ms-fontobject":
		return true
	}
	return strings.HasPrefix(media, "font/") || strings.HasPrefix(media, "image/")
}

// vary says that Accept-Encoding decides.
func vary(h http.Header) {
	if !wire.Listed(h["Vary"], "Accept-Encoding") && !wire.Listed(h["Vary"], "*") {
		h.Add("Vary", "Accept-Encoding")
	}
}

// Write is io.Writer's.
func (w *writer) Write(p []byte) (int, error) {
	if !w.ready() {
		return w.ResponseWriter.Write(p)
	}
	return w.encoder.Write(p)
}

// WriteString is io.StringWriter's.
func (w *writer) WriteString(s string) (int, error) {
	if !w.ready() {
		return io.WriteString(w.ResponseWriter, s)
	}
	return w.encoder.Write([]byte(s))
}

// ReadFrom is io.ReaderFrom's: what is not compressed the server may send without reading it.
func (w *writer) ReadFrom(src io.Reader) (int64, error) {
	if !w.ready() {
		return io.Copy(w.ResponseWriter, src)
	}
	return io.Copy(struct{ io.Writer }{w.encoder}, src)
}

// Flush is http.Flusher's.
func (w *writer) Flush() { _ = w.FlushError() }

// FlushError puts on the wire what has been written. It is http.ResponseController's.
func (w *writer) FlushError() error {
	if w.ready() {
		if err := w.encoder.Flush(); err != nil {
			return err
		}
	}
	return http.NewResponseController(w.ResponseWriter).Flush()
}

// end ends the response of a handler that has returned or, if it is not whole, has panicked.
func (w *writer) end(whole bool) {
	switch {
	case w.pending == 0 || !whole:
	case w.head:
		w.start()
	default:
		w.ResponseWriter.WriteHeader(w.pending) // there is no body to be compressed
	}
	if w.encoder != nil {
		if whole {
			_ = w.encoder.Close() // who has gone has been seen to by the handler
		}
		w.encoder.free()
		w.encoder = nil
	}
	if w.stream {
		w.filter.streams.Add(-1)
	}
}
