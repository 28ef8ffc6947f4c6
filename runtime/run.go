package runtime

import (
	"context"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// A budget counts the steps that all the calls of a request, or all its clean-up, have taken.
type budget = atomic.Uint64

// A run is one request's hold on a program: see [host.Run]. The first call of it is a part of it,
// so that a request which makes no other costs one allocation.
type run struct {
	program *Program
	calls   budget
	ran     atomic.Int64 // nanoseconds that the scripts of calls have run
	first   call
	loading map[string]starlark.StringDict // nil unless it loads: what the files have made so far
	holds   atomic.Bool                    // the generation of the program, from the beginning to the end
	ends    atomic.Pointer[endings]        // nil before the first function that waits for the end

	mu      sync.Mutex // guards what follows, and whether first is in use: it has a run then
	current *call      // the outermost call that has not ended
	clean   *cleaning  // nil before the first clean-up
}

// A cleaning is what the clean-up of a request may use.
type cleaning struct {
	steps budget
	by    time.Time // if there is a limit of time
}

var _ host.Run = (*run)(nil)

// Generation is [host.Run]'s.
func (r *run) Generation() uint64 { return r.program.generation.number }

// End is [host.Run]'s. Only the first counts.
func (r *run) End() {
	if r.holds.Swap(false) {
		r.ends.Load().run()
		r.program.generation.release()
	}
}

// Call is [host.Run]'s. A call inside another one does not outlive it.
func (r *run) Call(ctx context.Context, use host.Use) (err error) {
	if err := r.refusal(ctx, use); err != nil {
		return err
	}
	c, outermost := r.enter(ctx)
	left := r.program.limits.Steps - min(r.calls.Load(), r.program.limits.Steps)
	first := uint64(early)
	if profiling.Load() != nil {
		first = 1 // a short call is seen, too
	}
	c.arm(max(min(left, first), 1))
	defer c.end(&err)
	if outermost {
		defer r.leave()
	}
	if outermost && r.program.custom.last() >= lasting {
		if c.share(c.pace.looked); c.ctx.Err() != nil {
			return r.program.explained(c.ended(c.ctx.Err(), nil))
		}
	}
	return r.program.explained(c.outcome(use(&c.ctx, &c.thread.Thread, r.program.app)))
}

// refusal is why no call can be made.
func (r *run) refusal(ctx context.Context, use host.Use) error {
	if !r.holds.Load() {
		return ErrClosed
	}
	return missing(ctx, use)
}

// enter begins a call, and reports whether it is inside no other. It is started before another one
// can ask how long it lasts.
func (r *run) enter(ctx context.Context) (c *call, outermost bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	c = &r.first
	if c.run != nil {
		c = new(call)
	}
	length := r.program.limits.Time
	if outermost = r.current == nil; outermost {
		r.current = c
	} else {
		length = min(length, r.current.ctx.left())
	}
	c.start(ctx, r, length, &r.calls)
	return c, outermost
}

func (r *run) leave() {
	r.mu.Lock()
	r.current = nil
	r.mu.Unlock()
}

// CleanUp is [host.Run]'s. A function that comes late still has a first interval of steps, so that
// what has only to let go of something can.
func (r *run) CleanUp(ctx context.Context, use host.Use) (err error) {
	if err := r.refusal(ctx, use); err != nil {
		return err
	}
	length := r.program.limits.Time
	r.mu.Lock()
	if r.clean == nil {
		r.clean = new(cleaning)
		if length != math.MaxInt64 {
			r.clean.by = time.Now().Add(length)
		}
	}
	clean := r.clean
	r.mu.Unlock()
	if length != math.MaxInt64 {
		length = max(time.Until(clean.by), 0)
	}
	c := new(call)
	c.start(ctx, r, length, &clean.steps)
	c.arm(interval)
	defer c.end(&err)
	return r.program.explained(c.outcome(use(&c.ctx, &c.thread.Thread, r.program.app)))
}

var (
	_ host.Sourcer = (*run)(nil)
	_ host.Spender = (*run)(nil)
)

// Spent is [host.Spender]'s.
func (r *run) Spent() (steps uint64, ran time.Duration) {
	return r.calls.Load(), time.Duration(r.ran.Load())
}

// Source is [host.Sourcer]'s.
func (r *run) Source(file string) []byte {
	if s := r.program.sources[file]; s != nil {
		return s.text
	}
	return nil
}
