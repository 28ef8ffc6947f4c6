package push

import (
	"bufio"
	"fmt"
	"hash/maphash"
	"io"
	"net"
	"net/http"

	"github.com/larkspur-web/larkspur/environ/wire"
)

// A writer is the http.ResponseWriter that a Handler gives to the next one. It is the one
// allocation that a request costs that pushes nothing. The goroutine of the page owns it, but for
// the plan.
type writer struct {
	http.ResponseWriter
	plan   Plan
	sum    *maphash.Hash // of the body, if there is use for it
	status int32         // of the final response; 0 before it
	failed bool          // the client did not get all
}

var _ interface {
	http.Pusher
	http.Flusher
	http.Hijacker
	io.ReaderFrom
	io.StringWriter
} = (*writer)(nil)

// Unwrap is what http.ResponseController uses.
func (w *writer) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// WriteHeader has the plan decide about the links before the header goes out.
func (w *writer) WriteHeader(status int) {
	switch {
	case w.status != 0: // net/http complains
	case status == http.StatusEarlyHints:
		w.plan.Hint(hintFields(w.Header()))
		return
	case status >= 200 || status == http.StatusSwitchingProtocols:
		w.status = int32(status)
		w.sum = w.plan.commit(status, w.Header())
	}
	w.ResponseWriter.WriteHeader(status)
}

// WriteFields is [wire.FieldWriter]'s.
func (w *writer) WriteFields(status int, fields []wire.Field, length int64) bool {
	next, ok := w.ResponseWriter.(wire.FieldWriter)
	if !ok || w.status != 0 || !w.plan.pass(fields) || !next.WriteFields(status, fields, length) {
		return false
	}
	w.status = int32(status)
	return true
}

// begin sends the header, if the handler has not.
func (w *writer) begin() {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
}

func (w *writer) Write(b []byte) (int, error) {
	w.begin()
	n, err := w.ResponseWriter.Write(b)
	if w.sum != nil {
		w.sum.Write(b[:n])
	}
	w.failed = w.failed || err != nil
	return n, err
}

func (w *writer) WriteString(s string) (int, error) {
	w.begin()
	n, err := io.WriteString(w.ResponseWriter, s)
	if w.sum != nil {
		w.sum.WriteString(s[:n])
	}
	w.failed = w.failed || err != nil
	return n, err
}

// ReadFrom leaves the copying to the connection, which may do it without reading (sendfile), unless
// the plan needs the bytes.
func (w *writer) ReadFrom(src io.Reader) (n int64, err error) {
	w.begin()
	if w.sum != nil {
		return io.Copy(struct{ io.Writer }{w}, src)
	}
	n, err = io.Copy(w.ResponseWriter, src)
	w.failed = w.failed || err != nil
	return n, err
}

func (w *writer) Flush() { _ = w.FlushError() }

// FlushError is Flush, for http.ResponseController.
func (w *writer) FlushError() error {
	w.begin()
	return http.NewResponseController(w.ResponseWriter).Flush()
}

// Hijack leaves the connection to the handler.
func (w *writer) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	c, rw, err := http.NewResponseController(w.ResponseWriter).Hijack()
	if err == nil {
		w.status, w.failed = http.StatusSwitchingProtocols, true
	}
	return c, rw, err
}

// Push is http.Pusher's. Unlike that of a plain server it returns nil too where the client has the
// target or gets a hint. A target that is not pushed for another reason is an error, which is
// http.ErrNotSupported if the client takes no promises.
func (w *writer) Push(target string, o *http.PushOptions) error {
	res := Resource{Target: target}
	if o != nil {
		res.Method, res.Header = o.Method, o.Header
	}
	v := w.plan.Push(res)
	switch {
	case v.Status != Skipped || v.Reason == Diary:
		return nil
	case v.Reason == Disabled:
		return http.ErrNotSupported
	}
	return fmt.Errorf("push: %v", v)
}

// end ends the response: Next has returned, or, if the response is not whole, has panicked.
func (w *writer) end(whole bool) {
	if whole {
		w.begin() // the server would, and then the links would go unseen
	}
	w.plan.end(whole && !w.failed)
}
