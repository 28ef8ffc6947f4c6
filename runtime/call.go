package runtime

import (
	"context"
	"errors"
	"log/slog"
	"runtime/debug"

	"go.starlark.net/starlark"
)

// A Handle is what host code finds in t.Local("larkspur") on the thread of a call. It belongs to
// the goroutine that runs the call; only the context may be handed to others.
type Handle interface {
	// Context is the context of the call. It ends with the caller's, at the deadline, or when the
	// call is over.
	Context() context.Context
	// Fail ends the call with err: no further step of the script runs, catch does not hold it, and
	// Program.Call returns an error that wraps err. It is for code that cannot return an error to
	// the interpreter (an iterator's Next) or whose error the script must not catch. The first
	// Fail counts.
	Fail(err error)
	// Extend moves the deadline to a full Limits.Time from now, because the call made progress. A
	// call that is already over its deadline stays so. Steps are not extended.
	Extend()
	// Watch has step called between two steps of the interpreter from now on, on the goroutine of the
	// call. It returns how many steps may pass until it is called again, at least one. It is for
	// debuggers; a call that nobody watches pays nothing for it.
	Watch(step func() uint64)
}

// local is the key of the Handle among a thread's locals.
const local = "larkspur"

// interval is how many steps pass between two looks at the limits: few enough that a recursion
// overshoots its depth by a few hundred frames only, enough that the look costs less than 1%.
const interval = 1000

// A call is one use of a thread: the thread itself, its context and its limits. It is owned by
// the goroutine that runs it, except for the context, which has its own lock.
type call struct {
	thread  starlark.Thread
	ctx     deadlineContext
	limits  *Limits
	logger  *slog.Logger
	next    uint64        // step at which the limits are looked at
	watch   func() uint64 // nil if nobody watches
	trail   *trail        // while a limit is being reached
	failure error         // what ended the call, once something did
}

func newCall(ctx context.Context, name string, limits *Limits, logger *slog.Logger) *call {
	c := &call{limits: limits, logger: logger}
	c.ctx.start(ctx, limits.Time)
	c.thread.Name = name
	c.thread.Print = print
	c.thread.OnMaxSteps = safepoint
	c.arm(min(interval, limits.Steps))
	c.thread.SetLocal(local, c)
	return c
}

// callOf returns the call that t is the thread of. It is nil on a thread that is not ours.
func callOf(t *starlark.Thread) *call {
	c, _ := t.Local(local).(*call)
	return c
}

// end ends the call, whose error is *err, or the panic that ended it. It is to be deferred.
func (c *call) end(err *error) {
	c.ctx.end()
	if v := recover(); v != nil {
		*err = &PanicError{Value: v, Stack: debug.Stack()}
	}
}

// outcome is the error of the call whose use returned err.
func (c *call) outcome(err error) error {
	if err == nil || c.failure != nil {
		return c.failure
	}
	// A builtin that waits on the context returns the context's error before a safepoint sees it.
	if ended := c.ctx.Err(); ended != nil && errors.Is(err, ended) {
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
		return &LimitError{Kind: "time", Limit: uint64(c.limits.Time), Stack: stack}
	}
	return &failure{err, stack}
}

// reached is the error of the limit or the context that ends the call here, nil if none does.
func (c *call) reached(stack starlark.CallStack) error {
	t := &c.thread
	switch {
	case t.Steps >= c.limits.Steps:
		return &LimitError{Kind: "steps", Limit: c.limits.Steps, Stack: stack}
	case t.CallStackDepth() > c.limits.Depth:
		return &LimitError{Kind: "depth", Limit: uint64(c.limits.Depth), Stack: stack}
	}
	if err := c.ctx.Err(); err != nil {
		return c.ended(err, stack)
	}
	return nil
}

// over reports whether the call must not go on, and if so makes sure that it does not.
func (c *call) over() bool {
	if c.failure == nil {
		if err := c.reached(nil); err != nil {
			c.stop(c.reached(c.thread.CallStack()))
		}
	}
	return c.failure != nil
}

func (c *call) stop(err error) {
	c.failure = err
	c.thread.Cancel(err.Error())
}

// safepoint is the thread's OnMaxSteps. It costs nothing between two calls, where a timer and a
// goroutine for each call would cost more than a small application.
func safepoint(t *starlark.Thread) {
	c := callOf(t)
	switch {
	case c.failure != nil:
	case c.reached(nil) == nil:
		c.trail = nil
		c.arm(min(t.Steps+interval, c.limits.Steps))
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

func (c *call) Context() context.Context { return &c.ctx }

func (c *call) Watch(step func() uint64) {
	c.watch = step
	c.thread.OnMaxSteps = c.watched
	c.thread.SetMaxExecutionSteps(c.thread.Steps + 1)
}

// watched is the OnMaxSteps of the thread of a call that is watched.
func (c *call) watched(t *starlark.Thread) {
	if t.Steps >= c.next {
		safepoint(t)
	}
	t.SetMaxExecutionSteps(min(t.Steps+max(c.watch(), 1), c.next))
}

func (c *call) Extend() { c.ctx.extend() }

func (c *call) Fail(err error) {
	if c.failure == nil {
		c.stop(&failure{err, c.thread.CallStack()})
	}
}

// print is the thread's Print: one record for each call of print(), with the line that called it.
func print(t *starlark.Thread, msg string) {
	c := callOf(t)
	logger := c.logger
	if logger == nil {
		logger = slog.Default()
	}
	pos := position(t.CallStack())
	logger.LogAttrs(&c.ctx, slog.LevelInfo, msg, slog.String("file", pos.Filename()), slog.Int("line", int(pos.Line)))
}
