package server

import (
	"math"
	"net/http"
	"time"

	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/server/h2"
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

// arm makes the deadlines of the response to r. The write deadline is set with the first block, or
// later where somebody else sees to the client by then: a server whose own deadline of that length
// has just begun, or the engine.
func (d *deadlines) arm(w http.ResponseWriter, r *http.Request, write time.Duration) {
	d.w, d.write = w, write
	if write == 0 {
		d.write = DefaultWriteTimeout
	}
	d.written = time.Since(epoch)
	if write == 0 && (r.ProtoMajor == 2 && engine(w) || guarded(r)) {
		return
	}
	d.written -= d.write
}

// guarded reports whether what r came to sees to its client by itself for the first block.
func guarded(r *http.Request) bool {
	s := serverOf(r)
	return s == nil || s.WriteTimeout == DefaultWriteTimeout
}

// engine reports whether w is a stream of the engine, whose own time for a client that does not read
// guards what waits for it.
func engine(w http.ResponseWriter) bool {
	for {
		switch v := w.(type) {
		case h2.Promiser:
			return true
		case interface{ Unwrap() http.ResponseWriter }:
			w = v.Unwrap()
		default:
			return false
		}
	}
}

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

// holds reports whether nothing runs out for some time: the client has the time to take a block that was
// given to it last.
func (d *deadlines) holds(pause time.Duration) bool {
	return d.read == 0 && (d.write < 0 || time.Since(epoch)-d.written+pause < d.write)
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

// receiving makes reads of the request's body end with the call, or if that has no limit of time,
// each of them after DefaultReadTimeout.
func (d *deadlines) receiving() {
	deadline, ok := d.call.Context().Deadline()
	if ok {
		d.read = deadline.Sub(epoch)
	} else {
		d.read = unbounded
		deadline = time.Now().Add(DefaultReadTimeout)
	}
	_ = http.NewResponseController(d.w).SetReadDeadline(deadline)
}

// drainTimeout is how long the rest of a body may take to come after its response, which does not
// depend on it.
const drainTimeout = 10 * time.Second

// boundBody bounds how long the body of r may take, whether it is read or, after the response,
// thrown away, unless the server has a time of its own for that.
func boundBody(w http.ResponseWriter, r *http.Request, limit time.Duration) {
	if r.Body == nil || r.Body == http.NoBody {
		return
	}
	if s := serverOf(r); s != nil && s.ReadTimeout != 0 {
		return
	}
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(limit))
}

// boundAnswer bounds how long the client may take for an answer of the package itself: to accept it,
// and to send what is left of the body, unless the server has times of its own for that.
func boundAnswer(w http.ResponseWriter, r *http.Request) {
	boundBody(w, r, drainTimeout)
	if s := serverOf(r); s == nil || s.WriteTimeout == 0 {
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(DefaultWriteTimeout))
	}
}

// serverOf returns the server that r came to, nil if it is none of net/http.
func serverOf(r *http.Request) *http.Server {
	s, _ := r.Context().Value(http.ServerContextKey).(*http.Server)
	return s
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
