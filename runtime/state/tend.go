package state

import (
	"context"
	"log/slog"
	"time"

	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"
)

// tending is how often a node looks at its cluster.
const tending = time.Second

// tend looks after the cluster that the server of this process is a node of, until ctx ends: it logs
// how many nodes there are, and the one that leads has more replicas made when there are enough.
func (e *engine) tend(ctx context.Context) {
	ticker := time.NewTicker(tending)
	defer ticker.Stop()
	known := -1
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		s := e.house.own()
		if s == nil {
			continue // another process of this machine is the node
		}
		info, err := s.Jsz(nil)
		if err != nil || info.Meta == nil {
			continue // it is starting or ending
		}
		here := present(s, info.Meta)
		if here != known {
			known = here
			e.report(info.Meta, here)
		}
		if s.JetStreamIsLeader() {
			e.grow(ctx, here)
		}
	}
}

// present is how many nodes there are: this one, and those that it is connected with; 0 if they are too
// few to have a leader.
func present(s *server.Server, m *server.MetaClusterInfo) int {
	routes, err := s.Routez(nil)
	if m.Leader == "" || err != nil {
		return 0
	}
	names := map[string]bool{s.Name(): true}
	for _, r := range routes.Routes {
		names[r.RemoteName] = true
	}
	return len(names)
}

// report logs how many nodes there are.
func (e *engine) report(m *server.MetaClusterInfo, here int) {
	log := e.grant.logger().With(slog.String("cluster", e.grant.Cluster.Name))
	switch {
	case here == 0:
		log.Warn("state: waiting for other nodes: nothing can be kept until more than half of all are here, " +
			"and for the first time all of them")
	case here < max(m.Size, len(e.grant.Cluster.Peers)):
		log.Warn("state: nodes are missing", slog.Int("here", here))
	default:
		log.Info("state: all nodes are here", slog.Int("of", here))
	}
}

// grow has streams that were made when there were fewer nodes have all their replicas.
func (e *engine) grow(ctx context.Context, here int) {
	want := e.replicas()
	if here < want {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, maxWait)
	defer cancel()
	all := e.js.ListStreams(ctx)
	for info := range all.Info() {
		if info.Config.Replicas >= want {
			continue
		}
		c := info.Config
		c.Replicas = want
		if _, err := e.js.UpdateStream(ctx, c); err != nil {
			e.grant.logger().Debug("state: add replicas", slog.String("stream", c.Name), slog.Any("error", err))
			continue
		}
		e.grant.logger().Info("state: replicas are added", slog.String("stream", c.Name), slog.Int("to", want))
	}
	if err := all.Err(); err != nil && ctx.Err() == nil {
		e.grant.logger().Debug("state: list streams", slog.Any("error", err))
	}
}

// settling is for how long after its start a node waits for others, so that a stream has all its
// replicas at once.
const settling = 5 * time.Second

// create makes a stream. If there are too few nodes for its replicas it has one, until there are more.
func (e *engine) create(ctx context.Context, c jetstream.StreamConfig) (stream jetstream.Stream, err error) {
	for {
		err = e.persist(ctx, func(ctx context.Context) error {
			stream, err = e.js.CreateStream(ctx, c)
			return err
		})
		switch {
		case c.Replicas == 1 || !isCode(err, codeNoPeers, codeInsufficient, codeReplicas):
			return stream, err
		case e.clustered() && time.Since(e.began) < settling:
			if err := host.Pause(ctx, again); err != nil {
				return nil, err
			}
		default:
			c.Replicas = 1
		}
	}
}
