package server

import (
	"context"
	"net/http"
	"time"

	"github.com/larkspur-web/larkspur/runtime/host"
)

// A lease is a request's hold on an application: one generation of it, and the limits of all its calls,
// until the exchange ends. The exchange owns it, and the slot in which all of this runs.
type lease struct {
	gateway *Gateway
	run     host.Run
}

// deadlines are the three times by which a response has to make progress: that of the call of the
// application, that by which the client has to accept what is sent, and that by which it has to send what
// the application reads. One owner moves them, so that a stream in both directions lives for as long
// as it makes progress. It belongs to the goroutine that serves the request.
type deadlines struct {
	w       http.ResponseWriter
	ctx     context.Context // the call's, with its deadline
	call    host.Call
	write   time.Duration // for a block; negative for no bound
	written time.Time     // when the write deadline was set
	read    time.Time     // the read deadline; zero as long as the application has read nothing
	reading bool
}

// sending gives the client the whole write timeout again, at most four times in one.
func (d *deadlines) sending() {
	if d.write < 0 {
		return
	}
	now := time.Now()
	if now.Sub(d.written) < d.write/4 {
		return
	}
	d.written = now
	// An http.ResponseWriter that has no deadlines is not held to one.
	_ = http.NewResponseController(d.w).SetWriteDeadline(now.Add(d.write))
}

// receiving makes reads of the request's body end with the call.
func (d *deadlines) receiving() {
	d.reading = true
	if deadline, ok := d.ctx.Deadline(); ok {
		d.read = deadline
		_ = http.NewResponseController(d.w).SetReadDeadline(deadline)
	}
}

// progress lets the call live on, because something has reached the client, and with it the reads: the
// read deadline follows that of the call at most four times in the write timeout.
func (d *deadlines) progress() {
	d.call.Extend()
	if !d.reading {
		return
	}
	deadline, ok := d.ctx.Deadline()
	if !ok || deadline.Sub(d.read) < time.Until(d.read)/8 {
		return
	}
	d.read = deadline
	_ = http.NewResponseController(d.w).SetReadDeadline(deadline)
}
