package server

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/larkspur-web/larkspur/environ"
	"github.com/larkspur-web/larkspur/push"
	"go.starlark.net/starlark"
)

// A response is the state of one request between start_response and the end of the body. What the
// application says is set; commit sends it. It belongs to the goroutine that serves the request.
type response struct {
	h    *Handler
	w    http.ResponseWriter
	r    *http.Request
	env  *environ.Environ
	plan *push.Plan // nil in a promised request
	ctl  handle
	ctx  context.Context // the call's

	called bool    // start_response was called, even if wrongly
	status int     // zero until start_response was called rightly
	fields []field // of the last right call
	length int64   // that the application declared; -1 for none

	sent     bool  // the header is on the wire: nothing of it can change
	written  int64 // bytes of the body
	cut      bool  // there were more than length
	dropped  bool  // there was a body where none may be
	returned bool  // the application has returned: write() is out of turn
	reading  bool  // the application has begun to read the request
	open     bool  // it may read on while it sends
	over     bool  // the response has ended: nothing may be called any more

	progress time.Time // when the write deadline was set
	finish   []starlark.Callable
}

// maxPiece is how many bytes of a block a client has the write timeout for.
const maxPiece = 256 << 10

// errGone is what a write fails with when nobody reads any more.
var errGone = errors.New("the client is gone")

// start sets status and fields, which replace those of an earlier call.
func (r *response) start(status int, fields []field, length int64) {
	r.status, r.fields, r.length = status, fields, length
}

// bodiless reports whether the response must not have a body.
func (r *response) bodiless() bool {
	// RFC 9110, sections 15.3.5, 15.3.6 and 15.4.5; section 9.3.2 for HEAD.
	return r.status == http.StatusNoContent || r.status == http.StatusResetContent || r.status == http.StatusNotModified || r.r.Method == http.MethodHead
}

// commit sends status and headers.
func (r *response) commit() error {
	if r.sent {
		return nil
	}
	if r.status == 0 {
		return environ.Errorf(environ.CodeNotStarted, "call start_response(status, headers) first", "the body began before start_response() was called")
	}
	r.sent = true
	header := r.w.Header()
	values := make([]string, len(r.fields)) // one array for all the values
	typed := false
	for i, f := range r.fields {
		name := http.CanonicalHeaderKey(f.name)
		switch name {
		case "Content-Length":
			continue // below
		case "Content-Type":
			typed = true
		}
		values[i] = f.value
		if header[name] == nil {
			header[name] = values[i : i+1 : i+1]
		} else {
			header[name] = append(header[name], f.value) // stays a line of its own
		}
	}
	if !typed {
		// net/http would guess one from the body: the server plays dumb.
		header["Content-Type"] = nil
	}
	r.setLength(header)
	if r.open {
		r.duplex()
	}
	r.w.WriteHeader(r.status)
	return nil
}

// duplex lets the application read on while it sends. On HTTP/1 net/http throws away up to 256 KiB of what is unread of
// the request when the response begins, unless told not to, and who reads on is given what comes after the hole.
func (r *response) duplex() {
	if r.r.ProtoMajor != 1 || r.r.Body == http.NoBody || r.env.Input.AtEnd() {
		return
	}
	if !r.reading && r.r.Header.Get("Expect") != "" {
		return // nothing is thrown away of a body that the client has not been asked for
	}
	_ = http.NewResponseController(r.w).EnableFullDuplex()
	// net/http cannot use the connection again if some of the body stays unread: https://go.dev/issue/68560.
	r.w.Header()["Connection"] = []string{"close"}
}

// setLength sets Content-Length, where there may be one.
func (r *response) setLength(header http.Header) {
	switch r.status {
	case http.StatusNoContent:
		return // RFC 9110, section 8.6: must not
	case http.StatusNotModified:
		return // RFC 9110, section 15.4.5: should not; some clients wait for what it promises
	case http.StatusResetContent:
		header["Content-Length"] = []string{"0"} // RFC 9110, section 15.3.6
		return
	}
	if r.length >= 0 {
		header["Content-Length"] = []string{formatLength(r.length)}
	}
}

// block sends one block of the body, on the wire before it returns if flush is set.
func (r *response) block(s string, flush bool) error {
	if s == "" {
		return nil // PEP 3333: an empty block sends nothing, not even the headers
	}
	if err := r.commit(); err != nil {
		return err
	}
	if r.bodiless() {
		r.dropped = r.dropped || r.r.Method != http.MethodHead
		return nil
	}
	if r.length >= 0 && r.written+int64(len(s)) > r.length {
		// PEP 3333, "Handling the Content-Length Header": no more than was declared. net/http would
		// refuse the block whole on HTTP/1 and send it whole on HTTP/2.
		r.cut = true
		if s = s[:r.length-r.written]; s == "" {
			return nil
		}
	}
	if r.r.Context().Err() != nil {
		return errGone
	}
	for len(s) > 0 {
		r.arm()
		n, err := io.WriteString(r.w, s[:min(len(s), maxPiece)])
		r.written += int64(n)
		if err != nil {
			return errGone
		}
		if s = s[n:]; s != "" {
			r.ctl.Extend()
		}
	}
	if flush {
		r.flush()
	}
	return nil
}

// flush puts what has been written on the wire, and lets the call live on: it makes progress.
func (r *response) flush() {
	if f, ok := r.w.(http.Flusher); ok {
		f.Flush()
	}
	r.ctl.Extend()
}

// arm gives the client the whole write timeout again, at most four times in one.
func (r *response) arm() {
	timeout := r.h.WriteTimeout
	if timeout < 0 {
		return
	}
	if timeout == 0 {
		timeout = defaultWriteTimeout
	}
	now := time.Now()
	if now.Sub(r.progress) < timeout/4 {
		return
	}
	r.progress = now
	// An http.ResponseWriter that has no deadlines is not held to one.
	_ = http.NewResponseController(r.w).SetWriteDeadline(now.Add(timeout))
}

// complete ends the response of an application that has said all: it commits what has no body, and
// finds out whether the body is what was declared.
func (r *response) complete() error {
	if !r.sent && r.status == 0 {
		return environ.Errorf(environ.CodeNotStarted, "call start_response(status, headers)", "the application returned without calling start_response()")
	}
	if !r.sent && r.length < 0 && !r.bodiless() {
		r.length = 0 // all of the body is known: nothing
	}
	if !r.sent && r.length > 0 && !r.bodiless() {
		return r.short() // nothing has been sent: the client gets an answer
	}
	if err := r.commit(); err != nil {
		return err
	}
	if r.bodiless() {
		if r.dropped {
			r.warn(environ.CodeNoBody, "a response with status %d has no body: it was dropped", r.status)
		}
		return nil
	}
	if r.cut {
		r.warn(environ.CodeTooLong, "the body is longer than its Content-Length of %d bytes: it was cut", r.length)
	}
	if r.written < r.length {
		return r.short()
	}
	return nil
}

func (r *response) short() error {
	return environ.Errorf(environ.CodeTooShort, "", "the body ended after %d bytes, Content-Length says %d", r.written, r.length)
}

// whole reports whether the client has got all that it was promised, and cannot see what went wrong
// after it.
func (r *response) whole() bool { return r.sent && r.length >= 0 && r.written == r.length }

// warn logs a fault that did not stop the response.
func (r *response) warn(code environ.Code, format string, args ...any) {
	r.h.report(r.r, r.env, &Failure{Status: r.status, Code: code, Err: environ.Errorf(code, "", format, args...), Warning: true})
}
