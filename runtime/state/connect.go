package state

import (
	"context"

	"github.com/nats-io/nats.go/jetstream"
)

// JetStream returns the client of what is granted, and how many replicas of a stream there are to be,
// for Go code that keeps there what no script sees. Its names begin with larkspur_, and are none of
// this package's. The client ends with the Grant.
func (g *Grant) JetStream(ctx context.Context) (js jetstream.JetStream, replicas int, err error) {
	e, err := g.open(ctx)
	if err != nil {
		return nil, 0, err
	}
	if _, err := e.connected(ctx); err != nil {
		return nil, 0, err
	}
	return e.js, e.replicas(), nil
}
