package host

import (
	"context"
	"time"

	"go.starlark.net/starlark"
)

// A Call is one call of a script, as the Go code that it calls sees it. It belongs to the
// goroutine that runs the call; only the context may be handed to others.
type Call interface {
	// Context is the context of the call. It ends with the caller's, at the deadline, or when the
	// call is over.
	Context() context.Context
	// Fail ends the call with err: no further step of the script runs, catch does not hold it,
	// and whoever made the call gets an error that wraps err. It is for code that cannot return
	// an error to the interpreter (an iterator's Next) or whose error the script must not catch.
	// The first Fail counts.
	Fail(err error)
	// Extend moves the deadline to the full time of a call from now, because the call made
	// progress. A call that is already over its deadline stays so. Steps are not extended.
	Extend()
	// OnEnd has f called when the request that the call is of has ended, or the program has loaded
	// whose loading it is of: what a script opens and does not close is closed there. It may be
	// called on another goroutine, and must be short. stop has it not be called: what the script
	// has closed is to be forgotten.
	OnEnd(f func()) (stop func())
	// Wait runs f, which blocks, with the call's context, and returns its error, or the context's
	// if that has ended. Everything that waits for something else than the processor waits in it:
	// a sleep, a client, a query.
	Wait(f func(ctx context.Context) error) error
}

// A Waiter stands around the waits of a call, as a server does that has others run meanwhile.
type Waiter interface {
	// Wait runs f and returns its error, or why the call must not go on.
	Wait(ctx context.Context, f func(ctx context.Context) error) error
}

// A Chooser is a Waiter that can do something while a channel is waited for, without another goroutine.
type Chooser interface {
	Waiter
	// Await is Wait with what waits until later is closed.
	Await(ctx context.Context, later <-chan struct{}) error
}

// An Awaiter is a Call that has its Waiter wait for a channel.
type Awaiter interface {
	// Await waits until later is closed, as Wait does.
	Await(later <-chan struct{}) error
}

// Await waits until later is closed, or the call that t runs is over: then the error is that of its context.
func Await(t *starlark.Thread, later <-chan struct{}) error {
	c := CallOf(t)
	if a, ok := c.(Awaiter); ok {
		return a.Await(later)
	}
	return c.Wait(func(ctx context.Context) error { return Until(ctx, later) })
}

// Until waits until later is closed or ctx ends, whose error it returns then.
func Until(ctx context.Context, later <-chan struct{}) error {
	select {
	case <-later:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// An Abandoner is a Waiter that is told of a call which cannot be stopped.
type Abandoner interface {
	// Abandon says that the call should have ended some time ago, and is in a step of the
	// interpreter that goes on, at place (FILE:LINE:COL, "" if that is not known). It is called
	// from another goroutine.
	Abandon(place string)
}

// An Identifier is a Call, or a Waiter, of a request that is logged under an id.
type Identifier interface {
	// RequestID returns the id, "" if there is none.
	RequestID() string
}

// RequestID returns the id under which the request is logged that the call of t is for, "" if it is
// for none.
func RequestID(t *starlark.Thread) string {
	if i, ok := CallOf(t).(Identifier); ok {
		return i.RequestID()
	}
	return ""
}

// A Yielder is a Call around whose waits a Waiter can stand.
type Yielder interface {
	// Yield has w called for each [Call.Wait] from now on.
	Yield(w Waiter)
	// Suspend moves the deadline to idle after the last progress, the last Extend or the beginning,
	// until resume is called: then the call has the time again that it had left.
	Suspend(idle time.Duration) (resume func())
	// Idle says whether the call waits for something else than the processor. In [Call.Wait] it does
	// so by itself. Waits may be inside one another.
	Idle(idle bool)
	// Cancel ends the context of the call. It may be called from any goroutine.
	Cancel()
}

// A Renewer is a Call that can have parts which are as good as requests of their own: a message of
// a WebSocket is one.
type Renewer interface {
	// Renew gives the call the steps and the time that a new one has.
	Renew()
}

// A Watcher is a Call that a debugger can follow.
type Watcher interface {
	// Watch has step called between two steps of the interpreter from now on, on the goroutine of
	// the call. It returns how many steps may pass until it is called again, at least one. A call
	// that nobody watches pays nothing for it.
	Watch(step func() uint64)
}

// CallOf returns the call that t runs. On a thread of no call, or on none, it is one that never
// ends.
func CallOf(t *starlark.Thread) Call {
	if own := threadOf(t); own != nil {
		return own.call
	}
	return endless{}
}

// endless is the call of a thread that runs none.
type endless struct{}

func (endless) Context() context.Context                     { return context.Background() }
func (endless) Fail(error)                                   {}
func (endless) Extend()                                      {}
func (endless) OnEnd(func()) (stop func())                   { return func() {} }
func (endless) Wait(f func(ctx context.Context) error) error { return f(context.Background()) }
