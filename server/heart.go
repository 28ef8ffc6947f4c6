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

// beat runs f, for which the call waits, and sends heart-beats meanwhile. All that the call owns
// stays on its goroutine: f, which has the context only, runs on another. resume is that of
// [host.Yielder]; the last one is returned.
func (r *response) beat(
	ctx context.Context, y host.Yielder, resume func(), f func(context.Context) error,
) (func(), error) {
	e := r.extra
	e.beats = true
	defer func() { e.beats = false }()
	done := make(chan error, 1)
	var panicked any
	go func() {
		var err error
		defer func() {
			panicked = recover()
			done <- err
		}()
		err = f(ctx)
	}()
	pause := func() time.Duration { return e.heart.Every - time.Since(e.spoke) }
	timer := time.NewTimer(pause())
	defer timer.Stop()
	for {
		select {
		case err := <-done:
			if panicked != nil {
				panic(panicked)
			}
			return resume, err
		case <-timer.C:
			if err := r.transmit(e.heart.Block, true); err != nil {
				y.Cancel() // which ends f
				<-done
				r.deadlines.call.Fail(err)
				return resume, err
			}
			idle := r.lease.gateway.idle()
			resume = y.Suspend(idle)
			r.silent(idle)
			timer.Reset(pause())
		}
	}
}
