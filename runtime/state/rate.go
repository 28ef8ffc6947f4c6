package state

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"time"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// The bucket in which it is kept when each client will have asked for nothing again: the keys are hashes,
// and those put longest ago go when there are too many.
const (
	ratesBucket = own + "_rates"
	ratesAge    = 31 * 24 * time.Hour
	ratesBytes  = 64 << 20
)

func ratesShape() shape {
	s := bucketShape(ratesBucket, ratesAge, 1)
	s.most, s.markers = ratesBytes, false
	return s
}

// Take counts a request of a client, for all processes, and returns how long the client has to wait for
// it; 0 if it may be answered now. Requests are every so long in the long run, and burst may be ahead: the
// generic cell rate algorithm. One that has to wait is not counted. What is counted by is any text. An
// error says that it could not be counted.
func (g *Grant) Take(t *starlark.Thread, by string, every, burst time.Duration) (wait time.Duration, err error) {
	sum := sha256.Sum256([]byte(by))
	subject := prefixOf(ratesBucket) + hex.EncodeToString(sum[:16])
	err = host.CallOf(t).Wait(func(call context.Context) error {
		ctx, cancel := context.WithTimeout(call, maxWait)
		defer cancel()
		e, err := g.open(ctx)
		if err == nil {
			_, err = e.ask(ctx, false, func(ctx context.Context, e *engine) (int64, error) {
				wait, err = e.take(ctx, subject, every, burst)
				return 0, err
			})
		}
		return explain(call, err)
	})
	return wait, err
}

// take counts a request.
func (e *engine) take(
	ctx context.Context, subject string, every, burst time.Duration,
) (wait time.Duration, err error) {
	err = e.tally(subject).change(ctx, e, ratesShape(), func(had int64) (*next, error) {
		now := time.Now().UnixMicro()
		empty := max(had, now) + every.Microseconds()
		if wait = time.Duration(empty-now)*time.Microsecond - burst; wait > 0 {
			return nil, nil
		}
		wait = 0
		return &next{value: empty, ttl: burst.Truncate(time.Second) + 2*time.Second}, nil
	})
	return wait, err
}
