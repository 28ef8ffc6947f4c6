package runtime

import (
	"context"
	"math"
	"sync"
	"time"
)

// A deadlineContext is the context of one call. Unlike those of package context its deadline can
// be moved, and it costs no timer and no goroutine until somebody asks for Done. It is safe for
// concurrent use, and must not be copied once started.
type deadlineContext struct {
	parent context.Context
	length time.Duration // from the beginning, or from the last extend, to the deadline

	mu       sync.Mutex
	deadline time.Duration // since epoch; MaxInt64 for none
	progress time.Duration // since epoch: the beginning, or the last extend
	err      error         // once ended
	passed   bool          // it ended because its own deadline passed
	listener *listener     // made by the first Done
}

// A listener is what a context needs that somebody waits for.
type listener struct {
	done    chan struct{}
	timer   *time.Timer          // nil without a deadline
	release func() bool          // stops listening to the parent; nil if the context had ended
	after   map[*func()]struct{} // what is to be called at the end
}

// epoch is what deadlines are counted from: eight bytes do for each.
var epoch = time.Now()

// start begins the context, and returns the time since epoch.
func (c *deadlineContext) start(parent context.Context, length time.Duration) time.Duration {
	c.parent, c.length = parent, length
	return c.reset()
}

// reset sets the deadline to a full length from now, and returns the time since epoch.
func (c *deadlineContext) reset() time.Duration {
	c.progress = time.Since(epoch)
	c.deadline = after(c.progress, c.length)
	return c.progress
}

// after is d after t, MaxInt64 for no time if that is beyond the end of it.
func after(t, d time.Duration) time.Duration {
	if d == math.MaxInt64 || t > math.MaxInt64-d {
		return math.MaxInt64
	}
	return t + d
}

// move moves the deadline, and the timer with it. c.mu is held.
func (c *deadlineContext) move(deadline time.Duration) {
	c.deadline = deadline
	if c.listener == nil || c.listener.timer == nil {
		return
	}
	if deadline == math.MaxInt64 {
		c.listener.timer.Stop()
	} else {
		c.listener.timer.Reset(deadline - time.Since(epoch))
	}
}

// suspend moves the deadline to idle after the last progress, and returns how long it was to the
// old one.
func (c *deadlineContext) suspend(idle time.Duration) (left time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.deadline == math.MaxInt64 || c.look() != nil {
		return math.MaxInt64
	}
	left = c.deadline - time.Since(epoch)
	c.move(after(c.progress, idle))
	return left
}

// resume moves the deadline to left from now, MaxInt64 for where it is.
func (c *deadlineContext) resume(left time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if left != math.MaxInt64 && c.look() == nil {
		c.move(after(time.Since(epoch), left))
	}
}

// extend moves the deadline to a full length from now.
func (c *deadlineContext) extend() {
	if c.length == math.MaxInt64 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.look() != nil {
		return
	}
	c.reset()
	c.move(c.deadline)
}

// end ends the context with its call.
func (c *deadlineContext) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.close(context.Canceled)
}

// left returns how long it is to the deadline, MaxInt64 without one.
func (c *deadlineContext) left() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.deadline == math.MaxInt64 {
		return math.MaxInt64
	}
	return max(c.deadline-time.Since(epoch), 0)
}

// late reports whether the context ended because its own deadline passed.
func (c *deadlineContext) late() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.passed
}

// look ends the context if its parent or its deadline says so, and returns its error.
func (c *deadlineContext) look() error {
	if c.err != nil {
		return c.err
	}
	if err := c.parent.Err(); err != nil {
		c.close(err)
	} else if c.deadline != math.MaxInt64 && time.Since(epoch) >= c.deadline {
		c.passed = true
		c.close(context.DeadlineExceeded)
	}
	return c.err
}

func (c *deadlineContext) close(err error) {
	if c.err != nil {
		return
	}
	c.err = err
	l := c.listener
	if l == nil {
		return
	}
	close(l.done)
	l.release()
	if l.timer != nil {
		l.timer.Stop()
	}
	for f := range l.after {
		go (*f)()
	}
	l.after = nil
}

// Deadline is the deadline as it is now; extend moves it.
func (c *deadlineContext) Deadline() (time.Time, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.deadline == math.MaxInt64 {
		return c.parent.Deadline()
	}
	own := epoch.Add(c.deadline)
	if d, ok := c.parent.Deadline(); ok && d.Before(own) {
		return d, true
	}
	return own, true
}

func (c *deadlineContext) Done() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.listener != nil {
		return c.listener.done
	}
	ended := c.look() != nil
	l := &listener{done: make(chan struct{})}
	c.listener = l
	if ended {
		close(l.done)
		return l.done
	}
	wake := func() { c.Err() }
	l.release = context.AfterFunc(c.parent, wake)
	if c.deadline != math.MaxInt64 {
		l.timer = time.AfterFunc(c.deadline-time.Since(epoch), wake)
	}
	return l.done
}

// AfterFunc has f called on a goroutine of its own when the context ends. Package context asks for it:
// without it, a context that is made of this one costs a goroutine that waits for both. stop has f not
// be called, and reports whether that was in time.
func (c *deadlineContext) AfterFunc(f func()) (stop func() bool) {
	c.Done() // makes the listener
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.look() != nil {
		go f()
		return func() bool { return false }
	}
	if c.listener.after == nil {
		c.listener.after = make(map[*func()]struct{})
	}
	c.listener.after[&f] = struct{}{}
	return func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		_, waits := c.listener.after[&f]
		delete(c.listener.after, &f)
		return waits
	}
}

func (c *deadlineContext) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.look()
}

func (c *deadlineContext) Value(key any) any { return c.parent.Value(key) }
