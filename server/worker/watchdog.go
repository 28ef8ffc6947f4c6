package worker

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"time"
)

// tire has another worker take the place of w, once that has loaded the application.
func (w *process) tire(why string) {
	if w.leaving.Load() || w.rests.Swap(true) {
		return
	}
	w.pool.tally.recycled.Add(1)
	w.log().Info("a worker is replaced", slog.String("because", why))
	close(w.tired)
}

// look looks after a worker until it leaves: its age and its size, and whether it is alive.
func (w *process) look() {
	select {
	case <-w.gone:
		return
	case <-w.loaded: // before that it does not serve, and has StartTimeout
	}
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for n := 0; ; n++ {
		select {
		case <-w.gone:
			return
		case <-tick.C:
		}
		w.second.Store(int64(n) + 1)
		w.overlook()
		p := w.pool
		if p.MaxAge > 0 && time.Since(w.began) > p.MaxAge {
			w.tire("it is " + time.Since(w.began).Round(time.Second).String() + " old")
		}
		size := w.resident()
		if w.weigh(size); p.MaxResident > 0 && size > p.MaxResident {
			w.tire("it has " + strconv.FormatInt(size>>20, 10) + " MiB resident")
		}
		if n%pingEvery == pingEvery-1 {
			w.ping()
		}
	}
}

// How often a worker is asked for a sign of life, in seconds, and how long it may take.
const (
	pingEvery = 5
	pingLimit = 10 * time.Second
)

// ping kills a worker that gives no sign of life: its whole process hangs.
func (w *process) ping() {
	ctx, cancel := context.WithTimeout(context.Background(), pingLimit)
	defer cancel()
	if err := w.conn.Ping(ctx); err != nil && ctx.Err() != nil {
		w.leave()
		w.kill(death{cause: Silent, text: "it has given no sign of life for " + pingLimit.String()})
	}
}

// overlook kills a worker that gives signs of life, and begins no response to requests that wait for
// theirs for as long as the pool has patience.
func (w *process) overlook() {
	limit := w.pool.timeout()
	if limit < 0 {
		return
	}
	now, last := w.second.Load(), w.answered.Load()
	n := 0
	w.mu.Lock()
	for f := range w.hands {
		if f.body.awaited(&f.came) {
			f.since.Store(now)
		}
		since := f.since.Load()
		if !f.answered.Load() && last <= since && time.Duration(now-since)*time.Second > limit {
			f.stuck.Store(true) // with another one it would be the same
			n++
		}
	}
	w.mu.Unlock()
	if n > 0 {
		w.leave()
		w.kill(death{cause: Silent,
			text: fmt.Sprintf("it has answered nothing for %v, and has %d requests that wait", limit, n)})
	}
}

// begins notes that the response to a request has begun.
func (f *flight) begins() {
	if f.worker != nil {
		f.answered.Store(true)
		f.worker.answered.Store(f.worker.second.Load())
	}
}
