package server

import (
	"context"
	"time"

	"github.com/larkspur-web/larkspur/environ"
	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// listen notes that a body has something to say while the call waits.
func (r *response) listen(body starlark.Value) {
	if h, ok := body.(environ.Heart); ok {
		if beat := h.Heartbeat(); beat.Every > 0 {
			r.extras().heart = beat
		}
	}
}

// beside runs f, for which the call waits, and sends heart-beats meanwhile. All that the call owns
// stays on its goroutine: f, which has the context only, runs on another. resume is that of
// [host.Yielder]; the last one is returned.
func (r *response) beside(
	ctx context.Context, y host.Yielder, resume func(), f func(context.Context) error,
) (func(), error) {
	r.extra.beats = true
	defer func() { r.extra.beats = false }()
	done := make(chan struct{})
	var err error
	var panicked any
	go func() {
		defer close(done)
		defer func() { panicked = recover() }()
		err = f(ctx)
	}()
	// f knows best how it ends with the context.
	resume, failed := r.beat(context.WithoutCancel(ctx), y, resume, done)
	<-done // a call that has failed is over
	if panicked != nil {
		panic(panicked)
	}
	if failed != nil {
		err = failed
	}
	return resume, err
}

// beat waits until later is closed or ctx ends, and sends heart-beats meanwhile.
func (r *response) beat(
	ctx context.Context, y host.Yielder, resume func(), later <-chan struct{},
) (func(), error) {
	e, idle := r.extra, r.lease.gateway.idle()
	pause := func() time.Duration { return e.heart.Every - time.Since(e.spoke) }
	if e.timer == nil {
		e.timer = time.NewTimer(pause())
	}
	for {
		if !r.holds(2 * e.heart.Every) {
			r.silent(idle)
		}
		select {
		case <-later:
			return resume, nil
		case <-ctx.Done():
			return resume, ctx.Err()
		case <-e.timer.C: // which may have been set before something was sent
			left := pause()
			if left <= 0 {
				if err := r.transmit(e.heart.Block, true); err != nil {
					y.Cancel()
					r.deadlines.call.Fail(err)
					return resume, err
				}
				resume = y.Suspend(idle)
				left = pause()
			}
			e.timer.Reset(left)
		}
	}
}
