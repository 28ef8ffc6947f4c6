package state

import (
	"container/list"
	"sync"
	"time"

	"go.starlark.net/starlark"
)

// results are what cached functions have returned, in this process: those used longest ago go first.
// The zero value is ready; it is safe for concurrent use.
type results struct {
	mu      sync.Mutex
	kept    map[string]*list.Element
	recent  list.List // of *result, the one used last first
	size    int
	flights map[string]*flight
}

// The bounds of what is kept in a process.
const (
	maxResults     = 10_000
	maxResultBytes = 64 << 20
	resultOverhead = 256 // bytes that one costs besides
)

// A result is immutable.
type result struct {
	key   string
	value starlark.Value // frozen
	until time.Time
	size  int
}

// A flight is a result that is being made.
type flight struct {
	thread *starlark.Thread
	done   chan struct{}
}

// find returns what is kept for a key and has not ended, nil if nothing is.
func (r *results) find(key []byte, now time.Time) starlark.Value {
	r.mu.Lock()
	defer r.mu.Unlock()
	e := r.kept[string(key)]
	if e == nil {
		return nil
	}
	x := e.Value.(*result)
	if !now.Before(x.until) {
		r.drop(e)
		return nil
	}
	r.recent.MoveToFront(e)
	return x.value
}

// keep keeps a result, and lets go of what is too much.
func (r *results) keep(x *result) {
	x.size += resultOverhead + len(x.key)
	r.mu.Lock()
	defer r.mu.Unlock()
	if old := r.kept[x.key]; old != nil {
		r.drop(old)
	}
	if r.kept == nil {
		r.kept = make(map[string]*list.Element)
	}
	r.kept[x.key] = r.recent.PushFront(x)
	r.size += x.size
	for len(r.kept) > maxResults || r.size > maxResultBytes {
		r.drop(r.recent.Back())
	}
}

// drop forgets a result. r.mu is held.
func (r *results) drop(e *list.Element) {
	x := r.recent.Remove(e).(*result)
	r.size -= x.size
	delete(r.kept, x.key)
}

func (r *results) clear() {
	r.mu.Lock()
	defer r.mu.Unlock()
	clear(r.kept)
	r.recent.Init()
	r.size = 0
}

// begin returns the flight that makes a result, and whether it is the caller's to end.
func (r *results) begin(key string, t *starlark.Thread) (f *flight, mine bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if f = r.flights[key]; f != nil {
		return f, false
	}
	if r.flights == nil {
		r.flights = make(map[string]*flight)
	}
	f = &flight{t, make(chan struct{})}
	r.flights[key] = f
	return f, true
}

// end lets go who waits for a flight: the result is kept, or one of them makes it.
func (r *results) end(key string, f *flight) {
	r.mu.Lock()
	delete(r.flights, key)
	r.mu.Unlock()
	close(f.done)
}
