package runtime

import (
	"time"

	"github.com/larkspur-web/larkspur/runtime/host"
)

const (
	// early is the step at which the limits are looked at first, before interval: the steps may
	// be long.
	early = 25
	// long is how long a call may take before somebody watches it: what that costs is little beside
	// it. One that takes an interval of steps is watched too.
	long = 100 * time.Microsecond
	// grace is how long a call may go on once its context has ended, to come to a safepoint, which
	// knows the line of script best. Then it is cancelled, which ends it at its next step.
	grace = 100 * time.Millisecond
	// patience is how long a step may go on after that, before it counts as one that cannot be
	// stopped.
	patience = time.Second
)

// An overseer ends a call whose steps are so long that it comes to no safepoint in time. Its fields
// belong to the lock of the context.
type overseer struct {
	call  *call
	timer *time.Timer // of what comes next; nil before the context has ended
}

// oversee has the call watched from now on.
func (c *call) oversee() {
	c.overseen = true
	c.ctx.Done() // so that somebody waits for the end of the context
	c.ctx.mu.Lock()
	defer c.ctx.mu.Unlock()
	if c.ctx.err == nil {
		c.ctx.listener.overseer = &overseer{call: c}
	}
}

// late begins to count the time that a call goes on although its context has ended. A nil overseer
// does nothing.
func (o *overseer) late() {
	if o != nil {
		o.timer = time.AfterFunc(grace, o.cancel)
	}
}

// stop is for the end of the call.
func (o *overseer) stop() {
	if o != nil && o.timer != nil {
		o.timer.Stop()
	}
}

// cancel ends the call at its next step.
func (o *overseer) cancel() {
	c := o.call
	c.cancelled.Store(true)
	c.thread.Cancel(c.ctx.Err().Error())
	c.ctx.mu.Lock()
	defer c.ctx.mu.Unlock()
	if !c.ctx.ended {
		o.timer = time.AfterFunc(patience, o.abandon)
	}
}

// abandon tells the one who stands around the call that its step does not end.
func (o *overseer) abandon() {
	if w, ok := o.call.waiter.(host.Abandoner); ok {
		w.Abandon()
	}
}
