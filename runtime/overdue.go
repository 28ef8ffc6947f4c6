package runtime

import (
	"time"

	"github.com/larkspur-web/larkspur/runtime/host"
)

const (
	// interval is how many steps pass at most between two looks at the limits: few enough that a
	// recursion overshoots its depth by a few hundred frames only, enough that the look costs less
	// than 1%.
	interval = 1000
	// early is the step at which they are looked at first, before it is known how long steps take.
	early = 25
	// long is how long it may be between two looks. Steps that take longer are looked at more often.
	long = time.Millisecond
	// watched is the step from which on a call is watched from outside: what that costs is little
	// beside it. One whose first steps are long is watched at once.
	watched = 100
	// grace is how long a call may go on after its deadline, to come to a look, which knows the line
	// of script best. Then it is cancelled, which ends it at its next step.
	grace = 100 * time.Millisecond
	// patience is how long a step may go on after that, before it counts as one that cannot be
	// stopped.
	patience = time.Second
)

// A pace is when the limits of a call are looked at.
type pace struct {
	gap    uint64        // steps to the next look
	looked time.Duration // since epoch
}

// next returns how many steps may pass until the next look, and reports whether the last ones were
// long.
func (p *pace) next() (gap uint64, slow bool) {
	now := time.Since(epoch)
	slow = now-p.looked > long
	p.looked = now
	if slow {
		p.gap = max(p.gap/8, 1)
	} else {
		p.gap = min(max(p.gap, early)*4, interval)
	}
	return p.gap, slow
}

// An overseer ends a call that does not come to a look in time.
type overseer struct {
	call  *call
	timer *time.Timer
}

// oversee has the call watched from now on, if it has a deadline.
func (c *call) oversee() {
	left := c.ctx.left()
	if c.overseer != nil || left > maxWatch {
		return
	}
	o := &overseer{call: c}
	o.timer = time.AfterFunc(maxWatch, o.look)
	o.timer.Reset(left + grace) // o.timer is set by now
	c.overseer = o
}

// maxWatch is the longest time to a deadline for which it is watched.
const maxWatch = 1 << 62

// stop is for the end of the call. A nil overseer does nothing.
func (o *overseer) stop() {
	if o != nil {
		o.timer.Stop()
	}
}

// look cancels the call if its deadline has passed: that may have been moved. Once it is cancelled
// it is in one step since.
func (o *overseer) look() {
	c := o.call
	switch err := c.ctx.Err(); {
	case err == nil:
		o.timer.Reset(c.ctx.left() + grace)
	case !c.cancelled.Swap(true):
		c.thread.Cancel(err.Error())
		o.timer.Reset(patience)
	default:
		if w, ok := c.waiter.(host.Abandoner); ok {
			w.Abandon()
		}
	}
}
