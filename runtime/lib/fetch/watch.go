package fetch

import (
	"context"
	"sync"
	"time"
)

// soon is how long a wait lasts before it listens to the context of the call: that costs a goroutine
// and a timer, and most answers are there by then.
const soon = 2 * time.Millisecond

// A watch cancels a flight in the middle of a wait, when the context of the call ends or the time is
// over.
type watch struct {
	f   *flight
	ctx context.Context
	end time.Time

	mu    sync.Mutex
	over  bool
	timer *time.Timer
	stop  func() bool // of the listening, nil before that begins
}

// newWatch begins to watch a wait of at most length.
func newWatch(ctx context.Context, f *flight, length time.Duration) *watch {
	w := &watch{f: f, ctx: ctx, end: time.Now().Add(length)}
	if err := ctx.Err(); err != nil {
		f.cancel(err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.timer = time.AfterFunc(min(soon, length), w.tick)
	return w
}

// tick listens from now on, or says that the time is over. The timer calls it.
func (w *watch) tick() {
	w.mu.Lock()
	defer w.mu.Unlock()
	left := time.Until(w.end)
	switch {
	case w.over:
	case left <= 0:
		w.f.cancel(errSlow)
	default:
		if w.stop == nil {
			w.stop = context.AfterFunc(w.ctx, func() { w.f.cancel(w.ctx.Err()) })
		}
		w.timer.Reset(left)
	}
}

// done ends the watch, and returns the time that the wait has left.
func (w *watch) done() time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.over = true
	w.timer.Stop()
	if w.stop != nil {
		w.stop()
	}
	return max(time.Until(w.end), 0)
}
