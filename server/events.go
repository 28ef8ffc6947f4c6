package server

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"

	"github.com/larkspur-web/larkspur/environ/wire"
	"github.com/larkspur-web/larkspur/runtime/host"
)

// EventSource reports whether the response to r with these Content-Type fields is a stream of events for an
// EventSource: it has no end of its own, what the client has got of it is good wherever it ends, and
// the client comes again by itself. HTML Living Standard, section 9.2. Any other reader of events may
// wait for the last of them, and take a stream that has ended for whole.
func EventSource(r *http.Request, contentType []string) bool {
	if len(contentType) != 1 || r.Method != http.MethodGet {
		return false
	}
	essence, _, _ := strings.Cut(contentType[0], ";")
	return strings.EqualFold(strings.TrimSpace(essence), eventStreamType) &&
		wire.Listed(r.Header["Accept"], eventStreamType)
}

const eventStreamType = "text/event-stream"

// An eventStream is a response that ends with the server, so that its client comes again elsewhere.
type eventStream struct {
	socket   socket
	registry *sockets
	told     atomic.Bool
}

// follow has the response, whose header is h, end with the server, if it is for an EventSource. It is
// called before the header is sent: a front in another process may tell of its end from then on.
func (r *response) follow(h http.Header) {
	if r.length >= 0 || r.atOnce || r.bodiless() || !EventSource(r.r, h["Content-Type"]) {
		return
	}
	y, ok := r.deadlines.call.(host.Yielder)
	if !ok {
		return
	}
	e := &eventStream{registry: socketsOf(r.r)}
	e.socket = socket{id: hopID(r.r), ending: func() {
		e.told.Store(true)
		y.Cancel()
	}}
	r.extras().events = e
	e.registry.enter(&e.socket)
}

// unfollow ends that.
func (e *extra) unfollow() {
	if e != nil && e.events != nil {
		e.events.registry.leave(&e.events.socket)
	}
}

// endsWithServer reports whether err is that of an event stream which has been told to end.
func (r *response) endsWithServer(err error) bool {
	return r.extra != nil && r.extra.events != nil && r.extra.events.told.Load() &&
		errors.Is(err, context.Canceled) && r.r.Context().Err() == nil
}
