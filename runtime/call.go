package runtime

import (
	"context"
	"errors"
	"log/slog"
	"runtime/debug"
	"time"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// A call is one use of a thread: the thread itself, its context and its limits. It is owned by
// the goroutine that runs it, except for the context, which has its own lock.
type call struct {
	thread  host.Thread
	ctx     deadlineContext
	run     *run          // that the call is of
	budget  *budget       // of the request, which may have more calls than this one
	counted uint64        // steps of the thread that the budget has been told
	next    uint64        // step at which the limits are looked at
	watch   func() uint64 // nil if nobody watches
	waiter  host.Waiter   // nil if nobody stands around its waits; set under the patrol's lock
	trail   *trail        // while a limit is being reached

	pace      pace
	turn      turn
	weight    weight
	patrolled patrolled
	failure   error // what ended the call, once something did
}

var (
	_ host.Awaiter    = (*call)(nil)
	_ host.Bounder    = (*call)(nil)
	_ host.Charger    = (*call)(nil)
	_ host.Identifier = (*call)(nil)
	_ host.Observer   = (*call)(nil)
	_ host.Renewer    = (*call)(nil)
	_ host.Stepper    = (*call)(nil)
	_ host.Watcher    = (*call)(nil)
	_ host.Yielder    = (*call)(nil)
)

// start begins the call c of r, which is fresh, for at most length. It has to be armed.
func (c *call) start(ctx context.Context, r *run, length time.Duration, b *budget) {
	c.run, c.budget = r, b
	c.pace.looked = c.ctx.start(ctx, length)
	c.weight.start(c.pace.looked)
	c.thread.Name = r.program.name
	c.thread.Print = print
	c.thread.Start(c)
	r.program.stacks.Lend(&c.thread)
	r.program.patrol.enter(c)
}

// callOf returns the call that t is the thread of. It is nil on a thread that is not ours.
func callOf(t *starlark.Thread) *call {
	c, _ := host.CallOf(t).(*call)
	return c
}

// end ends the call, whose error is *err, or the panic that ended it. It is to be deferred.
func (c *call) end(err *error) {
	c.run.program.patrol.leave(c)
	c.rest()
	last := time.Since(epoch) - c.pace.looked
	if prof := profiling.Load(); prof != nil {
		prof.pass(c, last)
	}
	ran := c.turn.ran + last
	c.run.program.custom.note(ran)
	if c.budget == &c.run.calls {
		c.run.ran.Add(int64(ran))
	}
	if w := c.weight.more.Load(); w != nil && w.most.Load() {
		process.left(c)
	}
	c.ctx.end()
	c.count()
	c.run.program.stacks.Return(&c.thread)
	if v := recover(); v != nil {
		*err = &PanicError{Value: v, Stack: debug.Stack()}
	}
}

// outcome is the error of the call whose use returned err.
func (c *call) outcome(err error) error { return host.Bound(c.cause(err)) }

func (c *call) cause(err error) error {
	if err == nil || c.failure != nil {
		return c.failure
	}
	if limit := c.heavy(nil); limit != nil {
		var eval *starlark.EvalError
		if errors.As(err, &eval) {
			limit.Stack = eval.CallStack
		}
		return limit
	}
	// A builtin that waits on the context returns the context's error before a look at the limits
	// does.
	if ended := c.ctx.Err(); ended != nil && (errors.Is(err, ended) || c.patrolled.cancelled.Load()) {
		var eval *starlark.EvalError
		if errors.As(err, &eval) {
			return c.ended(ended, eval.CallStack)
		}
		return c.ended(ended, nil)
	}
	return err
}

// ended is the error of a call whose context ended with err.
func (c *call) ended(err error, stack starlark.CallStack) error {
	if c.ctx.late() {
		return &LimitError{Kind: "time", Limit: uint64(c.run.program.limits.Time), Stack: stack}
	}
	return &failure{err, stack}
}

// reached is the error of the limit or the context that ends the call here, nil if none does.
func (c *call) reached(stack starlark.CallStack) error {
	t := &c.thread
	if limit := c.heavy(stack); limit != nil {
		return limit
	}
	switch {
	case c.count() >= c.run.program.limits.Steps:
		return &LimitError{Kind: "steps", Limit: c.run.program.limits.Steps, Stack: stack}
	case t.CallStackDepth() > c.run.program.limits.Depth:
		return &LimitError{Kind: "depth", Limit: uint64(c.run.program.limits.Depth), Stack: stack}
	}
	if err := c.ctx.Err(); err != nil {
		return c.ended(err, stack)
	}
	return nil
}

// over reports whether the call must not go on, and if so makes sure that it does not.
func (c *call) over() bool {
	if c.failure == nil {
		c.weigh(time.Since(epoch))
		if err := c.reached(nil); err != nil {
			c.stop(c.reached(c.thread.CallStack()))
		}
	}
	return c.failure != nil
}

// count tells the budget of the steps that it has not been told of yet, and returns all of the
// request.
func (c *call) count() uint64 {
	n := c.thread.Steps - c.counted
	c.counted = c.thread.Steps
	return c.budget.Add(n)
}

// Charge is [host.Charger]'s.
func (c *call) Charge(n uint64) error {
	c.thread.Steps += n
	if c.over() {
		return c.failure
	}
	return nil
}

func (c *call) stop(err error) {
	c.failure = err
	c.thread.Cancel(err.Error())
}

// Step is [host.Stepper]'s. It costs nothing between two looks, where a timer and a goroutine for
// each call would cost more than a small application.
func (c *call) Step() {
	t := &c.thread
	if t.Steps >= c.next {
		c.look()
	}
	if c.watch != nil {
		t.SetMaxExecutionSteps(min(t.Steps+max(c.watch(), 1), c.next))
	}
}

// look ends the call if it must not go on, else says when to look again.
func (c *call) look() {
	t := &c.thread.Thread
	now := time.Since(epoch)
	prof := profiling.Load()
	if prof != nil {
		prof.pass(c, now-c.pace.looked)
	}
	c.weigh(now)
	switch {
	case c.failure != nil:
	case c.heavy(nil) != nil:
		c.stop(c.heavy(t.CallStack())) // the next step may take as much again
	case c.reached(nil) == nil:
		c.trail = nil
		c.turn.ran += now - c.pace.looked
		gap := c.pace.next(now, prof)
		c.arm(t.Steps + min(gap, c.run.program.limits.Steps-c.budget.Load()))
		if c.turn.ran >= lasting && t.Steps >= interval {
			c.share(now)
		}
	default:
		if c.trail == nil {
			c.trail = &trail{depth: t.CallStackDepth()}
		}
		if c.trail.follow(t) {
			c.arm(t.Steps + 1)
		} else {
			c.stop(c.reached(c.trail.stack))
		}
	}
}

// arm has the limits looked at when the script comes to that step.
func (c *call) arm(step uint64) {
	c.next = step
	c.thread.SetMaxExecutionSteps(step)
}

// Context is [host.Call]'s.
func (c *call) Context() context.Context { return &c.ctx }

// Wait is [host.Call]'s.
func (c *call) Wait(f func(ctx context.Context) error) error {
	c.Idle(true)
	defer c.Idle(false)
	if c.waiter == nil {
		return f(&c.ctx)
	}
	return c.waiter.Wait(&c.ctx, f)
}

// Await is [host.Awaiter]'s.
func (c *call) Await(later <-chan struct{}) error {
	w, ok := c.waiter.(host.Chooser)
	if !ok {
		return c.Wait(func(ctx context.Context) error { return host.Until(ctx, later) })
	}
	c.Idle(true)
	defer c.Idle(false)
	return w.Await(&c.ctx, later)
}

// Yield is [host.Yielder]'s.
func (c *call) Yield(w host.Waiter) {
	p := &c.run.program.patrol
	p.mu.Lock()
	defer p.mu.Unlock()
	c.waiter = w
}

// RequestID is [host.Identifier]'s: it is known to who stands around the waits.
func (c *call) RequestID() string {
	if i, ok := c.waiter.(host.Identifier); ok {
		return i.RequestID()
	}
	return ""
}

// Observe is [host.Observer]'s: it is passed on to who stands around the waits.
func (c *call) Observe(w host.Work) {
	if o, ok := c.waiter.(host.Observer); ok {
		o.Observe(w)
	}
}

// Suspend is [host.Yielder]'s.
func (c *call) Suspend(idle time.Duration) (resume func()) {
	left := c.ctx.suspend(idle)
	return func() { c.ctx.resume(left) }
}

// Idle is [host.Yielder]'s. What is held while it waits is counted before.
func (c *call) Idle(idle bool) {
	if !idle {
		c.weight.looked.Store(host.LastAllocated())
		if c.weight.idle.Add(-1) == 0 {
			c.pace.looked = time.Since(epoch)
		}
		return
	}
	if c.thread.CallStackDepth() > 0 {
		c.weigh(time.Since(epoch))
	}
	if c.weight.idle.Add(1) == 1 {
		ran := time.Since(epoch) - c.pace.looked
		if prof := profiling.Load(); prof != nil {
			prof.pass(c, ran)
		}
		c.turn.ran += ran
		c.rest()
	}
}

// Cancel is [host.Yielder]'s.
func (c *call) Cancel() { c.ctx.end() }

// Watch is [host.Watcher]'s.
func (c *call) Watch(step func() uint64) {
	c.watch = step
	c.thread.SetMaxExecutionSteps(c.thread.Steps + 1)
}

// OnEnd is [host.Call]'s.
func (c *call) OnEnd(f func()) (stop func()) { return c.run.onEnd(f) }

// Renew is [host.Renewer]'s.
func (c *call) Renew() {
	c.count()
	c.budget.Store(0)
	c.Extend()
}

// Extend is [host.Call]'s.
func (c *call) Extend() { c.ctx.extend() }

// Fail is [host.Call]'s. What failed because the call has ended says so in its own way: it is the end
// that counts, unless it has a place and the stack has none: an iterable which the server iterates is
// at the line that made it.
func (c *call) Fail(err error) {
	if c.failure != nil {
		return
	}
	stack := c.thread.CallStack()
	placed := placeOf(stack) == "" && host.PlaceOf(err) != ""
	if ended := c.ctx.Err(); ended != nil && errors.Is(err, ended) && !placed {
		c.stop(c.ended(ended, stack))
		return
	}
	c.stop(&failure{host.Bound(err), stack})
}

// print is the thread's Print: one record for each call of print(), with the line that called it.
func print(t *starlark.Thread, msg string) {
	c := callOf(t)
	pos := host.Position(t.CallStack())
	c.log().LogAttrs(&c.ctx, slog.LevelInfo, msg,
		slog.String("file", pos.Filename()), slog.Int("line", int(pos.Line)))
}

// log is where the call logs.
func (c *call) log() *slog.Logger {
	if c.run.program.logger == nil {
		return slog.Default()
	}
	return c.run.program.logger
}
