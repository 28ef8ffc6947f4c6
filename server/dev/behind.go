package dev

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"

	"github.com/larkspur-web/larkspur/environ"
	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/server"
)

// Behind returns a handler that has h answer, which calls the application in other processes, whose
// servers tell this one ([Server.Tell]). It is mounted at path, and its environ is made as c says; both
// are for the inspector.
func (a *App) Behind(h http.Handler, path string, c environ.Config) http.Handler {
	m := &mounted{developed: a, path: path, environ: &c}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if rec := recordOf(r.Context()); rec != nil {
			rec.mu.Lock()
			if rec.answerer == nil {
				rec.answerer, rec.generation = m, a.generation.Load()
			}
			rec.mu.Unlock()
		}
		a.server.mu.Lock()
		unloaded := a.unloaded
		a.server.mu.Unlock()
		if unloaded != nil {
			server.Fail(w, r, &server.Failure{Status: http.StatusInternalServerError,
				Code: environ.CodeFailed, Err: unloadedError{unloaded}})
			return
		}
		caught := &caught{ResponseWriter: w}
		h.ServeHTTP(caught, r)
		if caught.status == 0 {
			return
		}
		var t toldFailure
		known := &server.Failure{Status: caught.status}
		if err := json.Unmarshal(caught.body.Bytes(), &t); err == nil && t.Failure != nil {
			f := t.whole()
			known.Code, known.RequestID, known.Err = environ.Code(f.Code), f.RequestID, &told{f}
		}
		if known.Err == nil { // of HEAD there is no body
			known.Write(w, r)
			return
		}
		a.server.ErrorPage(w, r, known)
	})
}

// An unloadedError is why there is no generation that could answer.
type unloadedError struct{ host.Diagnostics }

var _ host.Placer = unloadedError{}

// Unwrap returns the diagnostics.
func (e unloadedError) Unwrap() error { return e.Diagnostics }

// Place is [host.Placer]'s: the first one's.
func (e unloadedError) Place() string { return e.Diagnostics[0].Place.String() }

// A told error is that of a request which has failed in a worker.
type told struct{ failure *failure }

func (t *told) Error() string { return t.failure.Message }

// Backtrace is [host.Backtracer]'s.
func (t *told) Backtrace() string { return t.failure.Backtrace }

// A caught response is one of a worker that goes on to the client, unless it is a failure that is told.
type caught struct {
	http.ResponseWriter
	status int // of a failure; 0 if it is none
	body   bytes.Buffer
}

// maxCaught is how many bytes of a failure are read.
const maxCaught = 4 << 20

// Unwrap is what http.ResponseController uses, and who asks the connection for more.
func (c *caught) Unwrap() http.ResponseWriter { return c.ResponseWriter }

// WriteHeader is http.ResponseWriter's.
func (c *caught) WriteHeader(status int) {
	h := c.Header()
	if status >= 200 && h.Get(failureField) != "" {
		for _, name := range []string{failureField, "Content-Type", "Content-Length"} {
			h.Del(name)
		}
		c.status = status
		return
	}
	c.ResponseWriter.WriteHeader(status)
}

// Write is io.Writer's.
func (c *caught) Write(p []byte) (int, error) {
	if c.status == 0 {
		return c.ResponseWriter.Write(p)
	}
	c.body.Write(p[:min(len(p), maxCaught-c.body.Len())])
	return len(p), nil
}

// WriteString is Write, without a copy where the server has one as well.
func (c *caught) WriteString(s string) (int, error) {
	if c.status == 0 {
		return io.WriteString(c.ResponseWriter, s)
	}
	return c.Write([]byte(s))
}

// Flush sends what has been written.
func (c *caught) Flush() {
	if c.status == 0 {
		_ = http.NewResponseController(c.ResponseWriter).Flush() // as http.Flusher, which cannot fail
	}
}
