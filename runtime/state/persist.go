package state

import (
	"context"
	"crypto/rand"
	"errors"
	"time"

	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// A cluster elects another leader when a node ends, which takes a second or two. Who asks meanwhile
// gets no answer, or is told that nobody can answer now. So all that is asked of a cluster is asked
// again, for as long as there is time. What changes something has an id, by which the servers do it
// once.
const (
	// oneTry is how long an answer of a cluster is waited for before it is asked again.
	oneTry = 2 * time.Second
	// tolerance is for how long a cluster may not answer before calls no longer wait for it.
	tolerance = 6 * time.Second
	// sameFor is for how long a cluster knows the id of a change: longer than one is tried.
	sameFor = 3 * maxWait
)

// clustered reports whether what is kept is kept by several servers.
func (e *engine) clustered() bool {
	return e.grant.Cluster.Name != "" || e.nc.ConnectedClusterName() != ""
}

// persist has f ask a cluster, again while what fails may pass. f may be called several times.
func (e *engine) persist(ctx context.Context, f func(ctx context.Context) error) error {
	if !e.clustered() {
		return f(ctx)
	}
	var wait backoff
	for {
		try, cancel := context.WithTimeout(ctx, oneTry)
		err := f(try)
		late := errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil
		cancel()
		if !late && !passing(err) {
			e.answers(true)
			return err
		}
		if late {
			err = nats.ErrTimeout
		}
		if !e.answers(false) {
			return err
		}
		if host.Pause(ctx, 20*time.Millisecond+wait.next()) != nil {
			return err
		}
	}
}

// answers notes whether the cluster has answered, and reports whether it is to be asked again.
func (e *engine) answers(yes bool) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case yes:
		e.silent = time.Time{}
	case e.silent.IsZero():
		e.silent = time.Now()
	}
	return time.Since(e.silent) < tolerance
}

// passing reports whether err is one of a cluster that has no leader at the moment.
func passing(err error) bool {
	var api *jetstream.APIError
	if errors.As(err, &api) {
		switch api.ErrorCode {
		case codeNotAvailable, codeNotLeader, codeInProcess, codeOffline:
			return true
		}
		return false
	}
	return errors.Is(err, nats.ErrNoResponders) || errors.Is(err, jetstream.ErrNoStreamResponse) ||
		errors.Is(err, nats.ErrTimeout)
}

// publish puts a message into a stream. A cluster is told its id, so that it is not there twice if it
// is sent again.
func (e *engine) publish(ctx context.Context, m *nats.Msg) (ack *jetstream.PubAck, err error) {
	if !e.clustered() {
		return e.js.PublishMsg(ctx, m)
	}
	if m.Header == nil {
		m.Header = make(nats.Header, 1)
	}
	if m.Header.Get(jetstream.MsgIDHeader) == "" {
		m.Header[jetstream.MsgIDHeader] = []string{rand.Text()}
	}
	missing := 0
	err = e.persist(ctx, func(ctx context.Context) (err error) {
		ack, err = e.js.PublishMsg(ctx, m, jetstream.WithRetryAttempts(0))
		if !gone(err) {
			return err
		}
		// It has no leader, or there is no such stream.
		missing++
		if missing%8 == 0 {
			if _, none := e.js.StreamNameBySubject(ctx, m.Subject); errors.Is(none, jetstream.ErrStreamNotFound) {
				return none
			}
		}
		return err
	})
	return ack, err
}

// acknowledge says that a message was worked on, and waits until the server knows it.
func (e *engine) acknowledge(ctx context.Context, m jetstream.Msg) error {
	ctx, cancel := context.WithTimeout(ctx, maxWait)
	defer cancel()
	return e.persist(ctx, m.DoubleAck)
}
