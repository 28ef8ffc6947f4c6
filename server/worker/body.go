package worker

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"

	"github.com/larkspur-web/larkspur/environ"
	"github.com/larkspur-web/larkspur/server"
)

// A body is that of a request, as it goes to a worker. It notes whether something of it has been
// read, and what has prevented that.
type body struct {
	from io.ReadCloser // nil if the request has none

	asked chan struct{} // closed once the worker wants it; nil if it is sent at once
	once  sync.Once

	mu    sync.Mutex
	begun bool
	err   error
}

// bodyOf returns the body of r.
func bodyOf(w http.ResponseWriter, r *http.Request) *body {
	if r.Body == nil || r.Body == http.NoBody {
		return new(body)
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
	if b.asked != nil {
		b.once.Do(func() { close(b.asked) })
	}
}

// Read is io.Reader's.
func (b *body) Read(p []byte) (int, error) {
	if b.asked != nil {
		<-b.asked
	}
	n, err := b.from.Read(p)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.begun = b.begun || n > 0
	if err != nil && err != io.EOF {
		b.err = err
	}
	return n, err
}

// Close ends a Read. The body itself is the server's.
func (b *body) Close() error {
	b.ask()
	return nil
}

// touched reports whether something of the body is gone.
func (b *body) touched() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.begun
}

// failure is that of a client whose body cannot be read, nil if that was not so.
func (b *body) failure() *server.Failure {
	b.mu.Lock()
	defer b.mu.Unlock()
	var large *http.MaxBytesError
	switch {
	case b.err == nil:
		return nil
	case errors.As(b.err, &large):
		return server.Refusal(environ.CodeInputTooLong, http.StatusRequestEntityTooLarge, b.err)
	}
	return server.Refusal(environ.CodeInputBroken, http.StatusRequestTimeout, b.err)
}
