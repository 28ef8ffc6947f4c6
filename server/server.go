// Package server is the server side of the gateway contract (environ/SPEC.md): it calls an [App]
// for each HTTP request and turns what the application says into an HTTP response.
//
// # The model
//
// Two handlers stand one behind the other. A [Front] is for any http.Handler: it refuses what could
// be read in two ways, bounds bodies, finds the mount that a request is for, answers what goes
// wrong with an error page, logs, and pushes what goes with a page. A [Gateway] calls an
// application: it makes the environ, takes one of the [Slots] that bound how many applications run
// at once, calls the application, and sends the body that it returns. A [Handler] is both, for one
// application.
//
// What start_response is given is set, and sent only when the first non-empty block, a call of
// write(), or the end of the body commits the response. Before that an error replaces the response
// by an error page; after it the stream is reset, so that a truncated body is seen as such.
//
// # Who owns what
//
// An exchange is a request on its way through: it is the ResponseWriter that the Front hands on.
// Its hold has the slots and the leases, one for each application that has a part in the request,
// the page's and those of what is promised with it; Fronts one behind another share it. A lease
// pins one generation of the application and the limits of all its calls. A response is one call of
// an application: its state is what has been said and not sent, its deadlines are the three times
// by which it has to make progress.
//
// The package knows no Starlark program, only the App that it declares; *runtime.Program and
// *runtime.Live are Apps.
package server

import (
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/larkspur-web/larkspur/push"
	"github.com/larkspur-web/larkspur/runtime/host"
)

// An App is what a [Gateway] calls as app(environ, start_response): it begins a request, and all
// calls for that run in what Begin returns. The thread of a call lives until the body of the
// response is done: a body may call the script back.
type App = host.App

// A Handler serves one application as an http.Handler: it is a [Front] around a [Gateway], and its
// fields are theirs. Only App is required. It must not be copied or changed after its first use.
type Handler struct {
	// App is the application.
	App App
	// Mount is the path under which the application is mounted, its SCRIPT_NAME: "" for the root,
	// or a path that begins with a slash and does not end with one. A request outside it gets 404.
	Mount string
	// Environ are the deployer's variables, added to each environ.
	Environ map[string]string
	// ServerName is SERVER_NAME. Empty means the listener's address.
	ServerName string
	// MaxBody is [Front.MaxBody].
	MaxBody int64
	// Variables is [Gateway.Variables].
	Variables func(r *http.Request) map[string]string
	// WriteTimeout is [Gateway.WriteTimeout].
	WriteTimeout time.Duration
	// IdleTimeout is [Gateway.IdleTimeout].
	IdleTimeout time.Duration
	// Observer is [Front.Observer].
	Observer *Observer
	// Slots is [Gateway.Slots].
	Slots *Slots
	// ErrorPage is [Front.ErrorPage].
	ErrorPage func(http.ResponseWriter, *http.Request, *Failure)
	// Logger is that of both.
	Logger *slog.Logger
	// Access is [Front.Access].
	Access *slog.Logger
	// Push is [Front.Push].
	Push *push.Policy

	once  sync.Once
	front Front
}

// ServeHTTP calls the application for one request, as [Front] and [Gateway] do.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.once.Do(h.begin)
	h.front.ServeHTTP(w, r)
}

func (h *Handler) begin() {
	gateway := &Gateway{App: h.App, Environ: h.Environ, Variables: h.Variables,
		ServerName:   h.ServerName,
		WriteTimeout: h.WriteTimeout, IdleTimeout: h.IdleTimeout, Slots: h.Slots,
		Logger: h.Logger}
	h.front.Mounts = []Mount{{Path: h.Mount, Handler: gateway}}
	h.front.MaxBody, h.front.ErrorPage, h.front.Push = h.MaxBody, h.ErrorPage, h.Push
	h.front.Logger, h.front.Access = h.Logger, h.Access
	h.front.Observer = h.Observer
}
