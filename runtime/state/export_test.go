package state

import (
	"context"
	"time"

	"github.com/nats-io/nats.go"
	"go.starlark.net/starlark"
)

// Hide has the nodes not tell each other where they are, so that they reach each other by Peers only.
func (c *Cluster) Hide() { c.hidden = true }

// Leads reports whether the server of this process leads a stream, and how many replicas that has.
func (g *Grant) Leads(stream string) (bool, int) {
	s := g.engine.house.own()
	info, err := g.engine.js.Stream(context.Background(), stream)
	if err != nil {
		return false, 0
	}
	return s.JetStreamIsStreamLeader("$G", stream), info.CachedInfo().Config.Replicas
}

// Followers returns how many watches and subscriptions there are.
func (g *Grant) Followers() int {
	g.engine.mu.Lock()
	defer g.engine.mu.Unlock()
	return g.engine.followers
}

// Consumers returns how many the server of this process has for topics.
func (g *Grant) Consumers() int {
	s, err := g.engine.js.Stream(context.Background(), topicShape().name)
	if err != nil {
		return -1
	}
	return s.CachedInfo().State.Consumers
}

// Lag has the client tell of a lost connection only when tell is closed.
func (g *Grant) Lag(tell <-chan struct{}) {
	e := g.engine
	e.nc.SetDisconnectErrHandler(func(nc *nats.Conn, err error) {
		<-tell
		e.disconnected(nc, err)
	})
}

// Election returns the times of elections before anything hurries: those of the server.
var Election = []time.Duration{
	minElectionTimeout, maxElectionTimeout, hbInterval, lostQuorumInterval, lostQuorumCheck, routeConnectDelay,
}

// Keys returns what a result of a cached function is kept by for arguments, and what the shorter way makes
// of them, "" if that is not for them.
func Keys(fn starlark.Value, args starlark.Tuple) (key, plain string, err error) {
	c := fn.(*cached)
	var room [maxPlain]byte
	key, err = c.key(args, nil)
	return key, string(c.plain(room[:0], args)), err
}
