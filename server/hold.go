package server

import (
	"context"
	"net/http"
	"sync"

	"github.com/larkspur-web/larkspur/push"
	"github.com/larkspur-web/larkspur/runtime/host"
)

// A hold is what a request and all that is promised with it have of applications: a lease of each,
// until the request has ended, and a slot of each of the [Slots] in which a handler is at work.
type hold struct {
	mu    sync.Mutex
	users int   // handlers that are at work: those of Fronts, those of Gateways
	over  bool  // all of them have ended
	lease lease // the first, if it has a gateway; the others hang on it
}

// A lease is a request's hold on an application: one generation of it, and the limits of all its
// calls.
type lease struct {
	gateway *Gateway
	run     host.Run
	users   int    // handlers of the gateway that are at work
	next    *lease // of another application
}

// enter has the handler of a Front begin its work. leave must follow.
func (h *hold) enter() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.users++
}

// join has the handler of g begin its work for r, and returns its lease. It waits for a slot, if
// none of the same Slots is held; but not for a promised request, which the page waits for, that
// may have the last one. If there is no error, part must follow.
func (h *hold) join(r *http.Request, g *Gateway) (l *lease, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.over {
		return nil, errGone // it was left behind at its deadline, and the page has ended since
	}
	s := g.Slots.orProcess()
	if !h.works(s) && !s.try() {
		if _, promised := push.Pushed(r.Context()); promised {
			return nil, errFull
		}
		if err := h.wait(r.Context(), s); err != nil {
			return nil, err
		}
	}
	defer func() {
		if l == nil && !h.works(s) {
			s.release() // Begin has panicked
		}
	}()
	l = h.pin(g)
	l.users++
	h.users++
	return l, nil
}

// wait waits for a slot. h.mu is held, but not meanwhile.
func (h *hold) wait(ctx context.Context, s *Slots) error {
	h.mu.Unlock()
	err := s.wait(ctx)
	h.mu.Lock()
	if err == nil && h.works(s) {
		s.release() // another handler of the request was first
	}
	return err
}

// works reports whether a slot of s is held, since a handler is at work in it. h.mu is held.
func (h *hold) works(s *Slots) bool {
	for l := &h.lease; l != nil && l.gateway != nil; l = l.next {
		if l.users > 0 && l.gateway.Slots.orProcess() == s {
			return true
		}
	}
	return false
}

// part ends the work of a handler of l's gateway.
func (h *hold) part(l *lease) {
	h.mu.Lock()
	defer h.mu.Unlock()
	l.users--
	if s := l.gateway.Slots.orProcess(); !h.works(s) {
		s.release()
	}
	h.end()
}

// leave ends the work of the handler of a Front.
func (h *hold) leave() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.end()
}

// end ends the leases with the work of the last handler. h.mu is held.
func (h *hold) end() {
	if h.users--; h.users > 0 || h.over {
		return
	}
	h.over = true
	for l := &h.lease; l != nil && l.run != nil; l = l.next {
		l.run.End()
	}
}

// pin returns the lease of an application, and begins it if there is none. h.mu is held.
func (h *hold) pin(g *Gateway) *lease {
	l := &h.lease
	for l.gateway != g {
		switch {
		case l.gateway == nil:
			l.run = g.App.Begin()
			l.gateway = g
		case l.next == nil:
			l.next = new(lease)
			fallthrough
		default:
			l = l.next
		}
	}
	return l
}

// generation is that of the application of g for this request.
func (h *hold) generation(g *Gateway) uint64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.pin(g).run.Generation()
}
