package server

import (
	"errors"
	"io"
	"maps"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"github.com/larkspur-web/larkspur/environ"
	"github.com/larkspur-web/larkspur/environ/wire"
	"github.com/larkspur-web/larkspur/push"
	"go.starlark.net/starlark"
)

// A response is one call of an application, between start_response and the end of the body. What
// the application says is its state; commit sends that. It belongs to the goroutine that serves the
// request.
type response struct {
	exchange *exchange
	lease    *lease
	r        *http.Request
	env      environ.Environ
	deadlines

	state
	written  int64 // bytes of the body
	sent     bool  // the header is on the wire: nothing of it can change
	cut      bool  // there were more than length
	dropped  bool  // there was a body where none may be
	returned bool  // the application has returned: write() is out of turn
	atOnce   bool  // all of the body is there
	duplex   bool  // the application may read the request after the response has begun
	over     bool  // the response has ended: nothing may be called any more

	running atomic.Bool // the call has a slot

	switched *switched // once the application has taken over the connection

	// What the application is given to call.
	start  starter
	writer function

	args  [2]starlark.Value // of the application
	body  starlark.Value    // that it returned
	extra *extra            // nil until it is needed
}

// plan is that of the page; nil in a promised request, and where no Front is around.
func (r *response) plan() *push.Plan { return push.From(r.w) }

// vary adds variables of this request to the environ, in the order of their names.
func (r *response) vary(variables map[string]string) {
	if len(variables) == 0 {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(variables)) {
		_ = r.env.SetKey(starlark.String(name), starlark.String(variables[name])) // nothing iterates yet
	}
}

// maxPiece is how many bytes of a block a client has the write timeout for.
const maxPiece = 256 << 10

// errGone is what a write fails with when nobody reads any more.
var errGone = errors.New("the client is gone")

// bodiless reports whether the response must not have a body. RFC 9110, section 9.3.2 for HEAD.
func (r *response) bodiless() bool { return r.forbidsBody() || r.r.Method == http.MethodHead }

// commit sends status and headers.
func (r *response) commit() error {
	if r.sent {
		return nil
	}
	if r.status == 0 {
		return environ.Errorf(environ.CodeNotStarted, "call start_response(status, headers) first",
			"the body began before start_response() was called")
	}
	if r.status == http.StatusSwitchingProtocols {
		return environ.Errorf(environ.CodeInformation, "",
			"start_response() was given 101, and nothing has taken over the connection")
	}
	r.sent = true
	if r.plain() {
		w, ok := r.w.(wire.FieldWriter)
		if ok && w.WriteFields(int(r.status), r.fields, r.declared()) {
			return nil
		}
	}
	wire.SetFields(r.w.Header(), r.fields, r.declared())
	r.added(r.w.Header())
	if r.status == http.StatusUpgradeRequired && speaks1(r.r) {
		// RFC 9110, section 15.5.22: it must say to what, in a field that is the server's.
		r.w.Header()["Upgrade"] = []string{websocket}
		r.w.Header()["Connection"] = []string{"Upgrade"}
	}
	if r.duplex {
		r.allowReads()
	}
	r.follow(r.w.Header())
	r.w.WriteHeader(int(r.status))
	return nil
}

// plain reports whether the header is what start_response was given, and nothing else.
func (r *response) plain() bool {
	return r.extra == nil && !r.duplex && r.status != http.StatusUpgradeRequired &&
		(r.atOnce || r.length >= 0 || r.bodiless()) // else it may be for an EventSource
}

// allowReads lets the application read on while it sends. On HTTP/1 net/http throws away up to 256
// KiB of what is unread of the request when the response begins, unless told not to, and who reads
// on is given what comes after the hole.
func (r *response) allowReads() {
	if !speaks1(r.r) || r.r.Body == http.NoBody || r.env.Input.AtEnd() {
		return
	}
	if r.read == 0 && r.r.Header.Get("Expect") != "" {
		return // nothing is thrown away of a body that the client has not been asked for
	}
	_ = http.NewResponseController(r.w).EnableFullDuplex()
	// net/http cannot use the connection again if some of the body stays unread:
	// https://go.dev/issue/68560.
	r.w.Header()["Connection"] = []string{"close"}
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
	if r.atOnce {
		r.rest() // nothing of the script has to run any more
		if len(s) <= buffered && !flush {
			return r.transmit(s, false)
		}
	}
	return r.wait(r.deadlines.call.Context(), s, func() error { return r.transmit(s, flush) })
}

// buffered is how many bytes any server takes without sending them: they wait for no client.
const buffered = 2 << 10

// transmit sends a block, on the wire before it returns if flush is set.
func (r *response) transmit(s string, flush bool) error {
	piece := maxPiece
	if len(s) > piece && r.guarded() {
		piece = len(s)
		r.unlimit()
	}
	for len(s) > 0 {
		r.sending()
		n, err := io.WriteString(r.w, s[:min(len(s), piece)])
		r.written += int64(n)
		if err != nil {
			return errGone
		}
		if r.extra != nil && r.extra.heart.Every > 0 {
			r.extra.spoke = time.Now()
		}
		if s = s[n:]; s != "" {
			r.progress()
		}
	}
	if flush {
		r.flushed()
	}
	return nil
}

// guarded reports whether a large block goes to the engine as a whole, which then sends it before
// what is promised with it. Its own time for a client that does not read takes the place of the
// write deadline, so that is for whoever has set none; and the call's time goes on meanwhile, so no
// script may have to run after it.
func (r *response) guarded() bool {
	if !r.atOnce || r.lease.gateway.WriteTimeout != 0 {
		return false
	}
	return engine(r.w)
}

// flush puts what has been written on the wire, and lets the call live on.
func (r *response) flush() {
	if r.switched != nil {
		return
	}
	_ = r.wait(r.deadlines.call.Context(), "", func() error { r.flushed(); return nil })
}

func (r *response) flushed() {
	if f, ok := r.w.(http.Flusher); ok {
		f.Flush()
	}
	r.progress()
}

// put sends a block that the script hands over by a call, and tells it if that is more than was
// declared.
func (r *response) put(s string) error {
	if err := r.block(s, true); err != nil {
		if err == errGone {
			r.deadlines.call.Fail(err) // or a script that catches it writes on
		}
		return err
	}
	if r.cut {
		return environ.Errorf(environ.CodeTooLong, "",
			"more than the Content-Length of %d bytes was written", r.length)
	}
	return nil
}

// complete ends the response of an application that has said all: it commits what has no body, and
// finds out whether the body is what was declared.
func (r *response) complete() error {
	if !r.sent && r.status == 0 {
		return environ.Errorf(environ.CodeNotStarted, "call start_response(status, headers)",
			"the application returned without calling start_response()")
	}
	if !r.sent && r.length < 0 && !r.bodiless() && !r.trails() {
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
			r.warn(environ.CodeNoBody, "a response with status %d has no body: it was dropped",
				r.status)
		}
		return nil
	}
	if r.cut {
		r.warn(environ.CodeTooLong,
			"the body is longer than its Content-Length of %d bytes: it was cut", r.length)
	}
	if r.written < r.length {
		return r.short()
	}
	r.trail()
	return nil
}

func (r *response) short() error {
	return environ.Errorf(environ.CodeTooShort, "",
		"the body ended after %d bytes, Content-Length says %d", r.written, r.length)
}

// whole reports whether the client has got all that it was promised, and cannot see what went wrong
// after it.
func (r *response) whole() bool { return r.sent && r.length >= 0 && r.written == r.length }

// warn logs a fault that did not stop the response.
func (r *response) warn(code environ.Code, format string, args ...any) {
	r.report(&Failure{Status: int(r.status), Code: code, Err: environ.Errorf(code, "", format, args...),
		Warning: true})
}
