package fetch

import (
	"context"
	"sync"
	"time"
)

// soon is how long a wait lasts before it listens to the context of the call: that costs a goroutine
// and a timer, and most answers are there by then.
const soon = 2 * time.Millisecond

// A watch cancels its flight in the middle of a wait, when the context of the call ends or the time is
// over. It watches one wait after the other.
type watch struct {
	f *flight

	mu    sync.Mutex
	ctx   context.Context
	end   time.Time
	over  bool
	timer *time.Timer // nil before the first wait
	stop  func() bool // of the listening, nil before that begins
}

// begin begins to watch a wait of at most length.
func (w *watch) begin(ctx context.Context, f *flight, length time.Duration) {
	if err := ctx.Err(); err != nil {
		f.cancel(err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.f, w.ctx, w.end, w.over, w.stop = f, ctx, time.Now().Add(length), false, nil
	if w.timer == nil {
		w.timer = time.AfterFunc(min(soon, length), w.tick)
	} else {
		w.timer.Reset(min(soon, length))
	}
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
		if ctx := w.ctx; w.stop == nil {
			w.stop = context.AfterFunc(ctx, func() { w.f.cancel(ctx.Err()) })
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
