package worker

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"

	"github.com/larkspur-web/larkspur/environ"
	"github.com/larkspur-web/larkspur/server"
	"github.com/larkspur-web/larkspur/server/hop"
)

// A body is that of a request, as it goes to a worker. It notes whether something of it has been
// read, and what has prevented that. A nil *body is that of a request without one.
type body struct {
	from io.ReadCloser

	asked chan struct{} // closed once the worker wants it; nil if it is sent at once
	once  sync.Once

	to      *http.Request // that it goes with
	cancel  func()        // of what outlive has returned; may be nil
	reading sync.Mutex    // held while from is read

	mu    sync.Mutex
	begun bool
	ended bool // all of it has been read
	err   error
}

// bodyOf returns the body of r.
func bodyOf(w http.ResponseWriter, r *http.Request) *body {
	if r.Body == nil || r.Body == http.NoBody {
		return nil
	}
	server.BoundBody(w, r)
	b := &body{from: r.Body}
	// RFC 9110, section 10.1.1: the client waits to be asked, and the application may not want it.
	if strings.EqualFold(r.Header.Get("Expect"), "100-continue") {
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

// Read is io.Reader's.
func (b *body) Read(p []byte) (int, error) {
	if b.asked != nil {
		<-b.asked
	}
	b.reading.Lock()
	defer b.reading.Unlock()
	n, err := b.from.Read(p)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.begun = b.begun || n > 0
	switch {
	case err == io.EOF:
		b.ended = true
	case err != nil && b.to.ContentLength < 0:
		hop.Break(b.to, err)
		b.err = err
		return n, io.EOF
	case err != nil:
		b.err = err
	}
	return n, err
}

// outlive returns a context that ends with ctx, but not because the body breaks off: net/http ends it
// then, and the application is to find out and may answer.
func (b *body) outlive(ctx context.Context) context.Context {
	longer, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		b.reading.Lock() // it is about to break off, if it is that
		defer b.reading.Unlock()
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

// Close ends a Read. The body itself is the server's.
func (b *body) Close() error {
	b.ask()
	return nil
}

// touched reports whether something of the body is gone.
func (b *body) touched() bool {
	if b == nil {
		return false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.begun
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
