package push

import (
	"context"
	"sync"
	"time"
)

// A deadline is the context of its parent with an end of its own, as [context.WithDeadline] makes
// one; but it costs no timer until somebody waits for its end. It is safe for concurrent use, and
// must not be copied.
type deadline struct {
	parent context.Context
	by     time.Time

	mu    sync.Mutex
	err   error           // once it has ended
	waits context.Context // made for the first who waits; nil before
	stop  context.CancelFunc
}

// Deadline is context.Context's.
func (d *deadline) Deadline() (time.Time, bool) {
	if by, ok := d.parent.Deadline(); ok && by.Before(d.by) {
		return by, true
	}
	return d.by, true
}

// Value is context.Context's.
func (d *deadline) Value(key any) any { return d.parent.Value(key) }

// Err is context.Context's.
func (d *deadline) Err() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case d.err != nil:
	case d.waits != nil:
		d.err = d.waits.Err()
	case d.parent.Err() != nil:
		d.err = d.parent.Err()
	case !time.Now().Before(d.by):
		d.err = context.DeadlineExceeded
	}
	return d.err
}

// Done is context.Context's.
func (d *deadline) Done() <-chan struct{} { return d.waiting().Done() }

// AfterFunc has f called on a goroutine of its own at the end: package context asks for it.
func (d *deadline) AfterFunc(f func()) (stop func() bool) {
	return context.AfterFunc(d.waiting(), f)
}

// waiting returns a context that ends with this one, and can be waited for.
func (d *deadline) waiting() context.Context {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.waits == nil {
		d.waits, d.stop = context.WithDeadline(d.parent, d.by)
		if d.err != nil {
			d.stop()
		}
	}
	return d.waits
}

// end ends it.
func (d *deadline) end() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.err == nil {
		d.err = context.Canceled
	}
	if d.stop != nil {
		d.stop()
	}
}
