package host

import (
	"context"
	"time"

	"go.starlark.net/starlark"
)

// Sleep waits for d, or until the call that t runs is over: then the error is that of its context.
func Sleep(t *starlark.Thread, d time.Duration) error {
	return CallOf(t).Wait(func(ctx context.Context) error { return Pause(ctx, d) })
}

// Pause is Sleep for what is no call: it waits for d, or until ctx has ended; then the error is that of ctx.
func Pause(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
