package worker

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"sync"
	"sync/atomic"

	"github.com/larkspur-web/larkspur/environ"
	"github.com/larkspur-web/larkspur/server"
	"github.com/larkspur-web/larkspur/server/hop"
)

// A body is that of a request, as it goes to a worker, or to another one if the first is lost before
// it has got anything: each has a reading of its own. It notes whether something of it has been
// read, and what has prevented that. A nil *body is that of a request without one.
type body struct {
	from    io.ReadCloser
	trailer http.Header // of the client's request: names, and their values once the body has been read

	asked chan struct{} // closed once the worker wants it; nil if it is sent at once
	once  sync.Once

	cancel func()     // of what outlive has returned; may be nil
	turn   sync.Mutex // held while from is read

	waits atomic.Bool  // for the client: from is read at the moment
	came  atomic.Int64 // bytes of from

	mu    sync.Mutex
	begun bool   // something of it has gone to a worker
	ended bool   // all of it has been read
	err   error  // why it cannot be read
	rest  []byte // that a reading has got which was over by then
}

// A reading is what one worker gets of a body.
type reading struct {
	*body
	to   *http.Request // that it goes with
	done chan struct{} // closed by Close
}

// errDone is the error of a reading that is over.
var errDone = errors.New("worker: read of a body after its request has ended")

// bodyOf returns the body of r.
func bodyOf(w http.ResponseWriter, r *http.Request) *body {
	if r.Body == nil || r.Body == http.NoBody {
		return nil
	}
	server.BoundBody(w, r)
	b := &body{from: r.Body, trailer: r.Trailer}
	if server.ExpectsContinue(w, r) {
		// RFC 9110, section 10.1.1: the client waits to be asked, and the application may not want it.
		b.asked = make(chan struct{})
	}
	return b
}

// ask has the body sent of a client that waits to be asked.
func (b *body) ask() {
	if b != nil && b.asked != nil {
		b.once.Do(func() { close(b.asked) })
	}
}

// sent returns a request like out, which has a reading of the body.
func (b *body) sent(out *http.Request) *http.Request {
	next := *out
	next.Body = &reading{body: b, to: &next, done: make(chan struct{})}
	for name := range b.trailer {
		if relayed(name) {
			hop.Announce(&next, name)
		}
	}
	if next.ContentLength < 0 {
		hop.AnnounceBreak(&next)
	}
	return &next
}

// untouched ends the reading of out, and reports whether nothing of the body is gone, then or before.
func (b *body) untouched(out *http.Request) bool {
	if b == nil {
		return true
	}
	out.Body.Close()
	b.mu.Lock()
	defer b.mu.Unlock()
	return !b.begun
}

// over reports whether Close was called.
func (d *reading) over() bool {
	select {
	case <-d.done:
		return true
	default:
		return false
	}
}

// Read is io.Reader's.
func (d *reading) Read(p []byte) (int, error) {
	b := d.body
	if b.asked != nil {
		select {
		case <-b.asked:
		case <-d.done:
		}
	}
	b.turn.Lock()
	defer b.turn.Unlock()
	if n, err, ok := d.known(p); ok {
		return n, err
	}
	b.waits.Store(true)
	n, err := b.from.Read(p)
	b.waits.Store(false)
	b.came.Add(int64(n))
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ended = err == io.EOF
	if err != io.EOF {
		b.err = err
	}
	if d.over() {
		b.rest = append(b.rest, p[:n]...)
		return 0, errDone
	}
	b.begun = b.begun || n > 0
	return n, d.end(err)
}

// known is what need not be read from the client: what is left of a reading that is over, or the end.
func (d *reading) known(p []byte) (n int, err error, ok bool) {
	b := d.body
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case d.over():
		return 0, errDone, true
	case len(b.rest) > 0:
		n = copy(p, b.rest)
		b.rest, b.begun = b.rest[n:], true
		return n, nil, true
	case b.ended:
		return 0, d.end(io.EOF), true
	case b.err != nil:
		return 0, d.end(b.err), true
	}
	return 0, nil, false
}

// end is the end of a body that cannot be read because of err, if that is not nil.
func (d *reading) end(err error) error {
	if err == io.EOF {
		for name := range d.to.Trailer {
			if values := d.trailer[name]; values != nil && relayed(name) {
				d.to.Trailer[name] = values
			}
		}
	}
	if err == nil || err == io.EOF || d.to.ContentLength >= 0 {
		return err
	}
	hop.Break(d.to, err)
	return io.EOF
}

// Close ends the reading: what comes from the client is for the next. The body itself is the
// server's.
func (d *reading) Close() error {
	d.body.mu.Lock()
	defer d.body.mu.Unlock()
	if !d.over() {
		close(d.done)
	}
	return nil
}

// outlive returns a context that ends with ctx, but not because the body breaks off: net/http ends it
// then, and the application is to find out and may answer.
func (b *body) outlive(ctx context.Context) context.Context {
	longer, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		b.turn.Lock() // it is about to break off, if it is that
		defer b.turn.Unlock()
		if b.failure() == nil {
			cancel()
		}
	})
	b.cancel = func() {
		stop()
		cancel()
	}
	return longer
}

// release lets go of what outlive has made.
func (b *body) release() {
	if b != nil && b.cancel != nil {
		b.cancel()
	}
}

// whole reports whether all of the body has been read.
func (b *body) whole() bool {
	if b == nil {
		return true
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.ended
}

// awaited reports whether it is the client that is waited for, or has been since the last call: more of
// the body has come than the last. Else all of it has gone to the worker, or that does not read on.
func (b *body) awaited(last *int64) bool {
	if b.whole() {
		return false
	}
	before := *last
	*last = b.came.Load()
	return *last != before || b.waits.Load()
}

// failure is that of a client whose body cannot be read, nil if that was not so.
func (b *body) failure() *server.Failure {
	if b == nil {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	var large *http.MaxBytesError
	switch {
	case b.err == nil:
		return nil
	case errors.As(b.err, &large):
		return server.Refusal(environ.CodeInputTooLong, http.StatusRequestEntityTooLarge, b.err)
	}
	status := http.StatusBadRequest
	if errors.Is(b.err, os.ErrDeadlineExceeded) {
		status = http.StatusRequestTimeout
	}
	return server.Refusal(environ.CodeInputBroken, status, b.err)
}

var _ io.ReadCloser = (*reading)(nil)
