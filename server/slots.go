package server

import (
	"container/list"
	"context"
	"sync"
	"time"

	"github.com/larkspur-web/larkspur/environ"
	"github.com/larkspur-web/larkspur/push"
	"github.com/larkspur-web/larkspur/runtime/host"
)

// Slots bound how many calls of applications run at once, how many requests wait for their turn,
// and how many calls have begun and wait for something else. The zero value works; a nil *Slots is
// the process's own, with the limits of the zero value. It must not be copied or changed after its
// first use, and is safe for concurrent use.
//
// A call has a slot while its script runs. While it waits it has none: for its client, in a sleep,
// in [host.Call.Wait]; nor has one whose whole body is there, so that nothing of the script has to
// run any more. To go on it takes its turn before requests that have not begun.
//
// While what the process holds nears GOMEMLIMIT, requests wait as if there were no slot, unless no
// call has one.
type Slots struct {
	// Calls is how many scripts run at once. Zero means [DefaultCalls]. With one, calls never
	// overlap, and environ["wsgi.multithread"] is False: a call keeps the slot while it waits.
	Calls int
	// Queue is how many requests wait for a slot; the next is answered 503. Zero means as many as
	// Calls, negative none.
	Queue int
	// Wait is how long a request waits before it is answered 503. Zero means [DefaultWait].
	Wait time.Duration
	// Waiting is how many calls may have begun and wait; each takes about 20 KiB. A block of the
	// body that a call has in hand, and that no other one has, counts as one more for each 64 KiB.
	// With too many, the client address (for IPv6, the /64) that has the most loses the call that
	// has waited longest; if none has more than that of the last to come, the last to come does. It
	// gets 503, or a response that breaks off. Zero means [DefaultWaiting].
	Waiting int

	once  sync.Once
	queue int
	all   int

	mu      sync.Mutex
	free    int
	short   int       // requests that wait for memory
	going   list.List // of *queued: calls that go on
	coming  list.List // of *queued: requests
	waiting waiting
}

// What Slots are where nothing else is said.
const (
	DefaultCalls   = 1024
	DefaultWait    = time.Second
	DefaultWaiting = 10_000
)

// processSlots bounds all Handlers of the process that have no Slots of their own.
var processSlots Slots

// errFull is what a request gets that finds no slot: status 503.
var errFull = &environ.Error{Code: environ.CodeFull, Msg: "too many applications run at once",
	Status: 503}

// errTight is what a request gets while the process has no memory for it: status 503.
var errTight = &environ.Error{Code: environ.CodeFull, Status: 503,
	Msg: "the process comes near the limit of its memory"}

// tightLook is how often a request looks whether there is memory again.
const tightLook = 10 * time.Millisecond

func (s *Slots) serial() bool { return s != nil && s.Calls == 1 }

// orProcess returns s, or the Slots of the process if s is nil.
func (s *Slots) orProcess() *Slots {
	if s == nil {
		s = &processSlots
	}
	s.once.Do(s.start)
	return s
}

func (s *Slots) start() {
	if s.free = s.Calls; s.free <= 0 {
		s.free = DefaultCalls
	}
	s.all = s.free
	if s.queue = max(s.Queue, 0); s.Queue == 0 {
		s.queue = s.free
	}
	if s.waiting.max = s.Waiting; s.waiting.max <= 0 {
		s.waiting.max = DefaultWaiting
	}
}

// try takes a slot if there is a free one. It must be released.
func (s *Slots) try() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.free == 0 {
		return false
	}
	s.free--
	return true
}

// come takes a slot for a request, as soon as there is one; but not for a promised one: its page
// waits for it, and may have the last slot. It must be released, if there is no error.
func (s *Slots) come(ctx context.Context) error {
	if _, promised := push.Pushed(ctx); promised {
		return errFull
	}
	timer := time.NewTimer(s.patience())
	defer timer.Stop()
	return s.take(ctx, &s.coming, s.queue, timer.C)
}

// patience is how long a request waits.
func (s *Slots) patience() time.Duration {
	if s.Wait == 0 {
		return DefaultWait
	}
	return s.Wait
}

// goOn takes a slot for a call that has begun. It must be released, if there is no error, which is
// that of ctx.
func (s *Slots) goOn(ctx context.Context) error { return s.take(ctx, &s.going, -1, nil) }

// tight reports whether a request has to wait because the process comes near the limit of its
// memory. It does not if nothing runs that could let go of some.
func (s *Slots) tight() bool {
	if !host.Tight() {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.free < s.all
}

// relax waits until it is not tight any more, but not for long.
func (s *Slots) relax(ctx context.Context) error {
	s.mu.Lock()
	full := s.short >= s.queue
	if !full {
		s.short++
	}
	s.mu.Unlock()
	if full {
		return errTight
	}
	defer func() {
		s.mu.Lock()
		s.short--
		s.mu.Unlock()
	}()
	late := time.NewTimer(s.patience())
	defer late.Stop()
	look := time.NewTicker(tightLook)
	defer look.Stop()
	for s.tight() {
		select {
		case <-look.C:
		case <-late.C:
			return errTight
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// take takes a slot, at the end of a queue of at most max; negative is no bound.
func (s *Slots) take(ctx context.Context, queue *list.List, max int, late <-chan time.Time) error {
	s.mu.Lock()
	if s.free > 0 {
		s.free--
		s.mu.Unlock()
		return nil
	}
	if max >= 0 && queue.Len() >= max {
		s.mu.Unlock()
		return errFull
	}
	turn := &queued{turn: make(chan struct{}), since: time.Now()}
	place := queue.PushBack(turn)
	s.mu.Unlock()
	var err error
	select {
	case <-turn.turn:
		return nil
	case <-late:
		err = errFull
	case <-ctx.Done():
		err = ctx.Err()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-turn.turn:
		return nil // it came at the same moment
	default:
		queue.Remove(place)
		return err
	}
}

// A queued is a place in a queue.
type queued struct {
	turn  chan struct{} // closed when it has a slot
	since time.Time
}

// release gives a slot to whoever is next.
func (s *Slots) release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	queue, next := &s.going, s.going.Front()
	if next == nil {
		queue, next = &s.coming, s.next()
	}
	if next != nil {
		close(queue.Remove(next).(*queued).turn)
		return
	}
	s.free++
}

// next is the request whose turn it is, nil if none waits: the first, or the last where the first has waited for half
// of its time. Then more come than can be answered: those that have waited long would be answered late, and some of them
// not at all, while those that have just come are answered at once. s.mu is held.
func (s *Slots) next() *list.Element {
	first := s.coming.Front()
	if first != nil && time.Since(first.Value.(*queued).since) > s.patience()/2 {
		return s.coming.Back()
	}
	return first
}
