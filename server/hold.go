package server

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/larkspur-web/larkspur/push"
	"github.com/larkspur-web/larkspur/runtime/host"
)

// A hold is what a request and all that is promised with it have of applications: a lease of each,
// until the request has ended, and a slot of each of the [Slots] in which a call of it runs.
type hold struct {
	users atomic.Int32 // handlers that are at work: those of Fronts and of Gateways

	mu    sync.Mutex
	over  bool  // all of them have ended
	lease lease // the first, if it has a gateway; the others hang on it
	pins  []backendPin

	queued  time.Duration // how long handlers waited for a slot, or for memory
	failure *Failure      // of the page that was reported last

	observer atomic.Pointer[Observer] // that is told of the request, nil if none is

	// Of the page's mount in the outermost Front, nil if that has a Gateway there. It is the page's
	// goroutine's.
	trail *trail
}

// A lease is a request's hold on an application: one generation of it, and the limits of all its
// calls.
type lease struct {
	gateway *Gateway
	run     host.Run
	running int    // calls that have a slot
	next    *lease // of another application
}

// enter has the handler of a Front begin its work for r, which w answers, and returns its hold:
// that of the Front around it or of the page, else own, which is zero. leave must follow.
func enter(w http.ResponseWriter, r *http.Request, own *hold) *hold {
	outer := behind(w)
	if outer == nil {
		outer = behind(push.PageOf(r.Context()))
	}
	h := own
	if outer != nil {
		h = outer.hold
	}
	h.users.Add(1)
	return h
}

// join has the handler of g begin its work for r, and returns its lease, for a call that runs: it
// waits for a slot, if none of the same Slots is held; but not for a promised request, which the
// page waits for, that may have the last one. If there is no error, rest and leave must follow.
func (h *hold) join(r *http.Request, g *Gateway) (l *lease, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.over {
		return nil, errGone // it was left behind at its deadline, and the page has ended since
	}
	s := g.Slots.orProcess()
	if err := h.relax(r.Context(), s); err != nil {
		return nil, err
	}
	if err := h.take(r.Context(), s, s.come); err != nil {
		return nil, err
	}
	defer func() {
		if l == nil && !h.has(s) {
			s.release() // Begin has panicked
		}
	}()
	l = h.pin(g)
	l.running++
	h.users.Add(1)
	return l, nil
}

// take takes a slot of s, if none is held: at once if there is one, else from a queue. h.mu is
// held, but not in the queue.
func (h *hold) take(ctx context.Context, s *Slots, queue func(context.Context) error) error {
	if h.has(s) || s.try() {
		return nil
	}
	h.mu.Unlock()
	began := time.Now()
	err := queue(ctx)
	h.mu.Lock()
	h.queued += time.Since(began)
	if err == nil && h.has(s) {
		s.release() // another handler of the request was first
	}
	return err
}

// relax waits until the process has memory for a call, unless one is under way. h.mu is held, but
// not in the wait.
func (h *hold) relax(ctx context.Context, s *Slots) error {
	if h.has(s) || !s.tight() {
		return nil
	}
	if _, promised := push.Pushed(ctx); promised {
		return errTight // its page waits for it
	}
	h.mu.Unlock()
	began := time.Now()
	err := s.relax(ctx)
	h.mu.Lock()
	h.queued += time.Since(began)
	return err
}

// has reports whether a slot of s is held, since a call runs in it. h.mu is held.
func (h *hold) has(s *Slots) bool {
	for l := &h.lease; l != nil && l.gateway != nil; l = l.next {
		if l.running > 0 && l.gateway.Slots.orProcess() == s {
			return true
		}
	}
	return false
}

// rest gives back the slot of a call, which does not run for now, and reports whether it had one:
// running, which is false then, and changes under the lock only.
func (h *hold) rest(l *lease, running *atomic.Bool) bool {
	if !running.Load() {
		return false
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if !running.Load() {
		return false
	}
	running.Store(false)
	l.running--
	if s := l.gateway.Slots.orProcess(); !h.has(s) {
		s.release()
	}
	return true
}

// goOn takes a slot for a call, if it has none. The error is that of ctx.
func (h *hold) goOn(ctx context.Context, l *lease, running *atomic.Bool) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if running.Load() {
		return nil
	}
	s := l.gateway.Slots.orProcess()
	if err := h.take(ctx, s, s.goOn); err != nil {
		return err
	}
	l.running++
	running.Store(true)
	return nil
}

// leave ends the work of a handler, and the leases with that of the last.
func (h *hold) leave() {
	if h.users.Add(-1) > 0 {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.users.Load() > 0 || h.over {
		return
	}
	h.over = true
	for l := &h.lease; l != nil && l.run != nil; l = l.next {
		l.run.End()
	}
	for _, p := range h.pins {
		p.End()
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

// generation is that of what answers for this request behind a Gateway or a Backend.
func (h *hold) generation(handler http.Handler) uint64 {
	switch b := handler.(type) {
	case *Gateway:
		h.mu.Lock()
		defer h.mu.Unlock()
		return h.pin(b).run.Generation()
	case Pinner:
		if p := h.pinned(b, true); p != nil {
			return p.Generation()
		}
		return b.Generation()
	case Backend:
		return b.Generation()
	}
	return 0
}
