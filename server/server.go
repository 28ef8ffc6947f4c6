// Package server is the server side of the gateway contract (environ/SPEC.md): it calls an [App]
// for each HTTP request and turns what the application says into an HTTP response.
//
// # The model
//
// A [Handler] is an http.Handler that serves one application under one mount. For each request it
// makes the environ, takes one of the [Slots] that bound how many applications run at once, calls the
// application, and drains the body that it returns.
//
// What start_response is given is set, and sent only when the first non-empty block, a call of write(), or
// the end of the body commits the response. Before that an error replaces the response by
// an error page; after it the stream is reset, so that a truncated body is seen as such.
//
// The package knows no Starlark program, only the App that it declares; *runtime.Program and
// *runtime.Live are Apps.
package server

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/larkspur-web/larkspur/environ"
	"github.com/larkspur-web/larkspur/push"
	"go.starlark.net/starlark"
)

// An App is something that can be called as app(environ, start_response).
//
// Call gives use a thread, the callable to call on it, and a context that ends with the caller's
// or with the deadline of the call, whichever is first. The thread lives until use returns, which
// is when the body of the response is done: a body may call the script back. An error that means
// that a limit was reached has a method Timeout() bool that says true. Call may be called from any number
// of goroutines.
//
// The thread's local "larkspur", if there is one, is how the server speaks with the call: see handle.
type App interface {
	Call(ctx context.Context, use func(context.Context, *starlark.Thread, starlark.Callable) error) error
}

// handle is what the server uses of the thread's local "larkspur".
type handle interface {
	// Fail ends the call with err, which the script cannot catch.
	Fail(err error)
	// Extend moves the deadline: a block has reached the client.
	Extend()
}

// nohandle serves an App whose threads have none.
type nohandle struct{}

func (nohandle) Fail(error) {}
func (nohandle) Extend()    {}

func handleOf(t *starlark.Thread) handle {
	if h, ok := t.Local("larkspur").(handle); ok {
		return h
	}
	return nohandle{}
}

// A Handler serves an application as an http.Handler. Only App is required. It must not be copied or
// changed after its first use.
type Handler struct {
	// App is the application.
	App App
	// Mount is the path under which the application is mounted, its SCRIPT_NAME: "" for the root, or
	// a path that begins with a slash and does not end with one. A request outside it gets 404.
	Mount string
	// Environ are the deployer's variables, added to each environ.
	Environ map[string]string
	// ServerName is SERVER_NAME. Empty means the listener's address.
	ServerName string
	// MaxBody is how many bytes a request's body may have; a longer one is answered 413. Zero means 10 MiB,
	// negative sets no bound.
	MaxBody int64
	// WriteTimeout is how long the client may take to accept a block, or 256 KiB of a larger one. Zero means 60 seconds, negative
	// sets no bound.
	WriteTimeout time.Duration
	// Slots bound how many applications run at once. Nil means those of the process, which all
	// Handlers share that have none of their own.
	Slots *Slots
	// ErrorPage, if not nil, writes the response to a request that failed before anything was sent. Nil
	// means a line of text that reveals nothing.
	ErrorPage func(http.ResponseWriter, *http.Request, *Failure)
	// Logger receives what goes wrong, a record for each fault, and what applications write to
	// wsgi.errors. Nil means slog.Default().
	Logger *slog.Logger
	// Access, if not nil, receives a record for each request.
	Access *slog.Logger
	// Push says what may be promised to clients, and hinted. Nil means the policy that all of the process share: promises are on,
	// within safe limits, over HTTP/2 as [Configure] makes it; hints are sent over HTTP/2 only.
	Push *push.Policy

	made lazyConfig
}

const (
	defaultMaxBody      = 10 << 20
	defaultWriteTimeout = 60 * time.Second
)

func (h *Handler) logger() *slog.Logger {
	if h.Logger != nil {
		return h.Logger
	}
	return slog.Default()
}

func (h *Handler) maxBody() int64 {
	if h.MaxBody == 0 {
		return defaultMaxBody
	}
	return h.MaxBody
}

// config returns the configuration of the environ.
func (h *Handler) config() *environ.Config { return h.lazy().environ }

// lazy returns what is made at the first request.
func (h *Handler) lazy() *lazyConfig {
	h.made.once.Do(func() {
		h.made.front = h.pushing()
		h.made.environ = &environ.Config{
			ScriptName: h.Mount,
			Vars:       h.Environ,
			ServerName: h.ServerName,
			MaxBody:    h.maxBody(),
			Serial:     h.Slots.serial(),
			Logger:     h.Logger,
		}
	})
	return &h.made
}
