package state

import (
	"context"
	"sync"
	"time"

	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.starlark.net/starlark"
)

// A shared is a result that one process makes for all, while the call lasts that asks for it. What is
// kept is the result, with a field that says until when it is good; or nothing, with one that says until
// when somebody makes it.
type shared struct {
	lib     *library
	thread  *starlark.Thread
	name    string
	subject string

	lasts   time.Duration
	level   int // of the server
	claimed bool
	stop    func() // ends the renewal of the claim

	mu      sync.Mutex
	version uint64 // of the claim
}

// cachedBucket is the bucket that all results are in.
const cachedBucket = own + "_cached"

const (
	fieldUntil = "Larkspur-Until"
	fieldClaim = "Larkspur-Claim"
	// claimTime is for how long nobody else makes what a process has said that it makes. While it does,
	// it says so again.
	claimTime = 5 * time.Second
)

// sharedShape is that of the bucket. Nobody watches it.
func sharedShape() shape {
	s := bucketShape(cachedBucket, longest, 1)
	s.markers = false
	return s
}

// fields are those of a message that lasts, as far as the server lets single ones go.
func (s *shared) fields(field string, until time.Time) nats.Header {
	h := nats.Header{field: {textOf(until)}}
	if s.level >= levelTTL {
		h[jetstream.MsgTTLHeader] = []string{max(s.lasts, claimTime).Truncate(time.Second).String()}
	}
	return h
}

// claim returns what another process has made, as soon as it has, or claims it for this one: then
// there is no data.
func (s *shared) claim() (data []byte, until time.Time, err error) {
	err = s.lib.do(s.thread, deed{text: "cached " + s.name, unit: "bytes", long: true}, func(
		ctx context.Context, e *engine,
	) (int64, error) {
		// Who waits for another one does so as long as the call lasts.
		for tries := 0; ; tries++ {
			var busy bool
			_, err := e.within(ctx, sharedShape(), func(
				ctx context.Context, e *engine, o *opened,
			) (_ int64, err error) {
				data, until, busy, err = s.look(ctx, e, o)
				return 0, err
			})
			switch {
			case err != nil || data != nil:
				return int64(len(data)), err
			case !busy:
				s.hold(e)
				return 0, nil
			}
			if err := host.Pause(ctx, min(time.Duration(tries+1)*2*time.Millisecond, 50*time.Millisecond)); err != nil {
				return 0, err
			}
		}
	})
	return data, until, err
}

// look returns what is kept, or claims it, or says that another one has.
func (s *shared) look(
	ctx context.Context, e *engine, o *opened,
) (data []byte, until time.Time, busy bool, err error) {
	s.level = o.level
	m, err := o.stream.GetLastMsgForSubject(ctx, s.subject)
	var had uint64
	now := time.Now()
	switch {
	case isMissing(err):
	case err != nil:
		return nil, until, false, err
	default:
		had = m.Sequence
		if until = timeOf(m.Header, fieldUntil); now.Before(until) {
			return m.Data, until, false, nil
		}
		if now.Before(timeOf(m.Header, fieldClaim)) {
			return nil, until, true, nil
		}
	}
	s.version, err = e.send(ctx, s.subject, nil, had, s.fields(fieldClaim, now.Add(claimTime)))
	if isConflict(err) {
		return nil, until, true, nil
	}
	s.claimed = err == nil
	return nil, until, false, err
}

// hold says again and again that this process makes it, until it is released.
func (s *shared) hold(e *engine) {
	ctx, cancel := context.WithCancel(context.Background())
	var done sync.WaitGroup
	done.Go(func() {
		for host.Pause(ctx, claimTime/3) == nil {
			s.mu.Lock()
			asks, cancel := context.WithTimeout(ctx, claimTime)
			version, err := e.send(asks, s.subject, nil, s.version,
				s.fields(fieldClaim, time.Now().Add(claimTime)))
			cancel()
			if err == nil {
				s.version = version
			}
			s.mu.Unlock()
		}
	})
	s.stop = func() { cancel(); done.Wait() }
}

// publish keeps the result for all. That it is not kept is no error: others make it again.
func (s *shared) publish(data []byte, until time.Time) {
	if !s.claimed {
		return
	}
	s.stop()
	s.claimed = false
	_ = s.lib.do(s.thread, deed{text: "cached " + s.name, unit: "bytes"}, func(
		ctx context.Context, e *engine,
	) (int64, error) {
		_, err := e.send(ctx, s.subject, data, s.version, s.fields(fieldUntil, until))
		return int64(len(data)), err
	})
}

// release lets another one make it, if it was claimed and not made.
func (s *shared) release() {
	if !s.claimed {
		return
	}
	s.stop()
	ctx, cancel := context.WithTimeout(context.Background(), claimTime)
	defer cancel()
	if e, err := s.lib.grant.open(ctx); err == nil {
		_, _ = e.send(ctx, s.subject, nil, s.version, s.fields(fieldClaim, time.Now())) // it ends by itself
	}
}
