package dev

import (
	"io"
	"net/http"
	"strconv"
	"strings"
)

// A writer is the http.ResponseWriter of a request of which there is a record.
type writer struct {
	http.ResponseWriter
	rec *record
}

// Unwrap is what http.ResponseController uses, and who asks the connection for more.
func (w *writer) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// WriteHeader notes what is answered, be it by taking over the connection, and the hints before it.
func (w *writer) WriteHeader(status int) {
	w.note(status)
	w.ResponseWriter.WriteHeader(status)
}

func (w *writer) note(status int) {
	rec := w.rec
	rec.mu.Lock()
	defer rec.mu.Unlock()
	switch {
	case status == http.StatusEarlyHints:
		for _, link := range w.Header()["Link"] {
			rec.mark("103 Early Hints", link)
		}
	case (status >= 200 || status == http.StatusSwitchingProtocols) && rec.status == 0:
		rec.status, rec.header = status, w.Header().Clone()
		rec.mark("header", strings.TrimSpace(strconv.Itoa(status)+" "+http.StatusText(status)))
	}
}

func (w *writer) Write(b []byte) (int, error) {
	n, err := w.ResponseWriter.Write(b)
	w.count(n)
	return n, err
}

// WriteString is Write, without a copy where the server has one as well.
func (w *writer) WriteString(s string) (int, error) {
	n, err := io.WriteString(w.ResponseWriter, s)
	w.count(n)
	return n, err
}

func (w *writer) count(n int) {
	w.rec.mu.Lock()
	defer w.rec.mu.Unlock()
	if w.rec.sent == 0 && n > 0 {
		if w.rec.status == 0 {
			w.rec.status = http.StatusOK
		}
		w.rec.mark("first byte", "")
	}
	w.rec.sent += int64(n)
}

// Flush sends what has been written.
func (w *writer) Flush() {
	_ = http.NewResponseController(w.ResponseWriter).Flush() // as http.Flusher, which cannot fail
}

// A body is the body of a request, of which the beginning is kept.
type body struct {
	io.ReadCloser
	rec *record
}

func (b *body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if n > 0 {
		b.rec.mu.Lock()
		defer b.rec.mu.Unlock()
		b.rec.received += int64(n)
		b.rec.input = append(b.rec.input, p[:min(n, maxBody-len(b.rec.input))]...)
	}
	return n, err
}

// A memory is the http.ResponseWriter of a replay, of which the beginning is kept.
type memory struct {
	header http.Header
	body   []byte
}

func (m *memory) Header() http.Header { return m.header }
func (m *memory) WriteHeader(int)     {}
func (m *memory) Flush()              {}

func (m *memory) Write(b []byte) (int, error) {
	m.body = append(m.body, b[:min(len(b), maxBody-len(m.body))]...)
	return len(b), nil
}
