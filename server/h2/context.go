package h2

import (
	"context"
	"sync"
	"time"
)

// A streamContext is the context of a request. It ends when the handler returns, the stream is
// reset or the connection ends. It costs nothing until somebody waits for that.
type streamContext struct {
	parent context.Context

	mu    sync.Mutex
	err   error
	done  chan struct{}
	after map[*func()]struct{} // what AfterFunc was given
}

func (x *streamContext) Deadline() (time.Time, bool) { return x.parent.Deadline() }
func (x *streamContext) Value(key any) any           { return x.parent.Value(key) }

func (x *streamContext) Err() error {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.err
}

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

// AfterFunc is what package context uses to have f called at the end, instead of a goroutine.
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
	key := &f
	x.after[key] = struct{}{}
	return func() bool {
		x.mu.Lock()
		defer x.mu.Unlock()
		_, ok := x.after[key]
		delete(x.after, key)
		return ok
	}
}

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
}
