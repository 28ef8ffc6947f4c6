package server

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/larkspur-web/larkspur/environ"
)

// Slots bound how many calls of applications run at once, and how many requests wait for one. The
// zero value works; a nil *Slots is the process's own, with the limits of the zero value. It
// must not be copied or changed after its first use, and is safe for concurrent use.
type Slots struct {
	// Calls is how many applications run at once. Zero means [DefaultCalls]. With one, calls never overlap,
	// and environ["wsgi.multithread"] is False.
	Calls int
	// Queue is how many requests wait for a slot; the next is answered 503. Zero means as many as
	// Calls, negative none.
	Queue int
	// Wait is how long a request waits before it is answered 503. Zero means [DefaultWait].
	Wait time.Duration

	once    sync.Once
	free    chan struct{}
	waiting atomic.Int64
	queue   int64
}

// What Slots are where nothing else is said.
const (
	DefaultCalls = 1024
	DefaultWait  = time.Second
)

// processSlots bounds all Handlers of the process that have no Slots of their own.
var processSlots Slots

// errFull is what a request gets that finds no slot: status 503.
var errFull = &environ.Error{Code: environ.CodeFull, Msg: "too many applications run at once",
	Status: 503}

func (s *Slots) serial() bool { return s != nil && s.Calls == 1 }

// orProcess returns s, or the Slots of the process if s is nil.
func (s *Slots) orProcess() *Slots {
	if s == nil {
		s = &processSlots
	}
	s.once.Do(s.start)
	return s
}

// try takes a slot if there is a free one. It must be released.
func (s *Slots) try() bool {
	select {
	case s.free <- struct{}{}:
		return true
	default:
		return false
	}
}

// wait takes a slot as soon as there is a free one. It must be released, if there is no error.
func (s *Slots) wait(ctx context.Context) error {
	defer s.waiting.Add(-1)
	if s.waiting.Add(1) > s.queue {
		return errFull
	}
	patience := s.Wait
	if patience == 0 {
		patience = DefaultWait
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case s.free <- struct{}{}:
		return nil
	case <-timer.C:
		return errFull
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *Slots) start() {
	calls := s.Calls
	if calls <= 0 {
		calls = DefaultCalls
	}
	s.free = make(chan struct{}, calls)
	s.queue = int64(s.Queue)
	if s.Queue == 0 {
		s.queue = int64(calls)
	}
}

func (s *Slots) release() { <-s.free }
