package h2

import (
	"context"
	"sync"
	"time"
)

// A streamContext is the context of a request. It ends when the handler returns,
// the stream is reset or the connection ends; its values and its deadline are those
// of its parent, the connection's context, whose end reaches it by conn.cancelStreams. It
// is part of its stream, and costs nothing until somebody waits for its end: no channel,
// no goroutine.
//
// mu guards what follows it. No other lock is taken while it is held.
type streamContext struct {
	parent context.Context

	mu    sync.Mutex
	err   error
	done  chan struct{}
	after map[*func()]struct{} // what AfterFunc was given

	// A request that is made for this one, and ends with it; nil as a rule.
	joined *clientStream
}

// Deadline is the parent's, which has none as a rule.
func (x *streamContext) Deadline() (time.Time, bool) { return x.parent.Deadline() }

// Value is the parent's.
func (x *streamContext) Value(key any) any { return x.parent.Value(key) }

// Parent is where its values are, and its deadline.
func (x *streamContext) Parent() context.Context { return x.parent }

// SetParent gives it other values. It is for the first handler of a request, before any
// other has its context: http.Request.WithContext would make another http.Request.
func (x *streamContext) SetParent(parent context.Context) { x.parent = parent }

// Err is why it has ended, or nil.
func (x *streamContext) Err() error {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.err
}

// Done makes the channel when it is first asked for.
func (x *streamContext) Done() <-chan struct{} {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.done == nil {
		x.done = make(chan struct{})
		if x.err != nil {
			close(x.done)
		}
	}
	return x.done
}

// AfterFunc is what package context uses to have f called at the end, instead of a
// goroutine that waits: contexts that handlers derive from this one, with a timeout
// or to cancel, are bound to it so.
func (x *streamContext) AfterFunc(f func()) (stop func() bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.err != nil {
		go f()
		return func() bool { return false }
	}
	if x.after == nil {
		x.after = map[*func()]struct{}{}
	}
	key := &f // functions cannot be compared
	x.after[key] = struct{}{}
	return func() bool {
		x.mu.Lock()
		defer x.mu.Unlock()
		_, ok := x.after[key]
		delete(x.after, key)
		return ok
	}
}

// join has st end when it does: as AfterFunc would, at no cost. It reports false if it cannot,
// because it has ended or another has joined.
func (x *streamContext) join(st *clientStream) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.err != nil || x.joined != nil {
		return false
	}
	x.joined = st
	return true
}

// part undoes join.
func (x *streamContext) part(st *clientStream) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.joined == st {
		x.joined = nil
	}
}

// cancel ends it, unless it has ended. What AfterFunc was given runs on goroutines
// of its own, since the caller may hold the connection's lock.
func (x *streamContext) cancel(err error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.err != nil {
		return
	}
	x.err = err
	if x.done != nil {
		close(x.done)
	}
	for f := range x.after {
		go (*f)()
	}
	x.after = nil
	if x.joined != nil {
		go x.joined.cancel()
	}
}
