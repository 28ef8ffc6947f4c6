package server

import (
	"math"
	"net/http"
	"time"

	"github.com/larkspur-web/larkspur/runtime/host"
)

// deadlines are the three times by which a response has to make progress: that of the call of the
// application, that by which the client has to accept what is sent, and that by which it has to
// send what the application reads. One owner moves them, so that a stream in both directions lives
// for as long as it makes progress. It belongs to the goroutine that serves the request.
type deadlines struct {
	w       http.ResponseWriter
	call    host.Call
	write   time.Duration // for a block; negative for no bound
	written time.Duration // when the write deadline was set, since epoch
	read    time.Duration // the read deadline, since epoch; 0 before the first read
}

// epoch is what the times of deadlines are counted from: eight bytes do for each.
var epoch = time.Now()

// unbounded is the read deadline of a call that has no limit of time.
const unbounded = math.MaxInt64

// sending gives the client the whole write timeout again, at most four times in one.
func (d *deadlines) sending() {
	if d.write < 0 {
		return
	}
	now := time.Since(epoch)
	if now-d.written < d.write/4 {
		return
	}
	d.written = now
	// An http.ResponseWriter that has no deadlines is not held to one.
	_ = http.NewResponseController(d.w).SetWriteDeadline(epoch.Add(now + d.write))
}

// silent lets the client's connection be without a block for idle, and then take one; and what it
// sends, with the call.
func (d *deadlines) silent(idle time.Duration) {
	if d.read != 0 && d.read != unbounded {
		d.receiving()
	}
	if d.write < 0 {
		return
	}
	var deadline time.Time
	if idle != math.MaxInt64 {
		deadline = time.Now().Add(idle).Add(d.write)
	}
	_ = http.NewResponseController(d.w).SetWriteDeadline(deadline)
	d.written = time.Since(epoch) - d.write // the next block sets it anew
}

// unlimit sets no write deadline any more.
func (d *deadlines) unlimit() {
	d.write = -1
	_ = http.NewResponseController(d.w).SetWriteDeadline(time.Time{})
}

// receiving makes reads of the request's body end with the call.
func (d *deadlines) receiving() {
	d.read = unbounded
	if deadline, ok := d.call.Context().Deadline(); ok {
		d.read = deadline.Sub(epoch)
		_ = http.NewResponseController(d.w).SetReadDeadline(deadline)
	}
}

// progress lets the call live on, because something has reached the client, and with it the reads,
// whose deadline follows once it has fallen an eighth behind.
func (d *deadlines) progress() {
	d.call.Extend()
	if d.read == 0 || d.read == unbounded {
		return
	}
	deadline, ok := d.call.Context().Deadline()
	if left := d.read - time.Since(epoch); ok && deadline.Sub(epoch)-d.read > left/8 {
		d.receiving()
	}
}
