package runtime

import (
	"context"
	"log/slog"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// A budget is what all the calls of a request, or all its clean-up, may use together.
type budget struct {
	steps atomic.Uint64 // that have been taken
	exact bool          // a call has what is left and no more; else it has a first interval at least
}

// A run is one request's hold on a program: see [host.Run]. The first call of it is a part of it, so
// that a request which makes no other costs one allocation.
type run struct {
	name       string
	app        starlark.Callable
	limits     *Limits
	logger     *slog.Logger
	generation *generation // which the run uses until its end; nil if the program is closed
	ended      atomic.Bool

	calls budget
	clean budget
	taken atomic.Bool // first is in use
	first call

	mu      sync.Mutex
	current *call     // the outermost call that has not ended
	cleanBy time.Time // when the time for clean-up is over; zero before the first
}

var _ host.Run = (*run)(nil)

// Generation is [host.Run]'s.
func (r *run) Generation() uint64 {
	if r.generation == nil {
		return 0
	}
	return r.generation.number
}

// End is [host.Run]'s. Only the first counts.
func (r *run) End() {
	if r.generation != nil && !r.ended.Swap(true) {
		r.generation.release()
	}
}

// Call is [host.Run]'s. A call inside another one does not outlive it.
func (r *run) Call(ctx context.Context, use host.Use) (err error) {
	if r.generation == nil {
		return ErrClosed
	}
	c := &r.first
	if r.taken.Swap(true) {
		c = new(call)
	}
	length := r.limits.Time
	r.mu.Lock()
	outermost := r.current == nil
	if outermost {
		r.current = c
	} else {
		length = min(length, r.current.ctx.left())
	}
	r.mu.Unlock()
	c.start(ctx, r.name, r.limits, length, &r.calls, r.logger)
	defer c.end(&err)
	if outermost {
		defer r.leave()
	}
	return c.outcome(use(&c.ctx, &c.thread, r.app))
}

func (r *run) leave() {
	r.mu.Lock()
	r.current = nil
	r.mu.Unlock()
}

// CleanUp is [host.Run]'s. A function that comes late still has a few steps, so that what has only to let
// go of something can.
func (r *run) CleanUp(ctx context.Context, use host.Use) (err error) {
	if r.generation == nil {
		return ErrClosed
	}
	length := r.limits.Time
	if length != math.MaxInt64 {
		r.mu.Lock()
		if r.cleanBy.IsZero() {
			r.cleanBy = time.Now().Add(length)
		}
		length = max(time.Until(r.cleanBy), 0)
		r.mu.Unlock()
	}
	c := new(call)
	c.start(ctx, r.name, r.limits, length, &r.clean, r.logger)
	defer c.end(&err)
	return c.outcome(use(&c.ctx, &c.thread, r.app))
}
