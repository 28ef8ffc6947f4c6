package fetch

import (
	"context"
	"maps"
	"sync"
)

// A gate lets a number of requests in at once, and of each host a smaller one.
type gate struct {
	all     chan struct{}
	perHost int

	mu    sync.Mutex
	hosts map[target]*queue // those of which a request runs or waits, and some more
}

// A queue is the requests of one host.
type queue struct {
	slots chan struct{}
	users int // under the lock of the gate
}

func newGate(all, perHost int) *gate {
	return &gate{all: make(chan struct{}, all), perHost: perHost, hosts: make(map[target]*queue)}
}

// maxIdle is how many hosts are kept of which no request runs: to make one costs more than to find it.
const maxIdle = 256

// queue returns the requests of a host, of which there is one more.
func (g *gate) queue(t target) *queue {
	g.mu.Lock()
	defer g.mu.Unlock()
	q := g.hosts[t]
	if q == nil {
		if len(g.hosts) >= maxIdle {
			maps.DeleteFunc(g.hosts, func(_ target, q *queue) bool { return q.users == 0 })
		}
		q = &queue{slots: make(chan struct{}, g.perHost)}
		g.hosts[t] = q
	}
	q.users++
	return q
}

// leave says that there is one less.
func (g *gate) leave(q *queue) {
	g.mu.Lock()
	defer g.mu.Unlock()
	q.users--
}

// enter waits for a slot in the queue that it returns, which exit gives back.
func (g *gate) enter(ctx context.Context, t target) (*queue, error) {
	q := g.queue(t)
	// That of the host comes first: whoever waits for it is not in the way of other hosts.
	select {
	case q.slots <- struct{}{}:
	case <-ctx.Done():
		g.leave(q)
		return nil, context.Cause(ctx)
	}
	select {
	case g.all <- struct{}{}:
	case <-ctx.Done():
		<-q.slots
		g.leave(q)
		return nil, context.Cause(ctx)
	}
	return q, nil
}

// exit gives back a slot.
func (g *gate) exit(q *queue) {
	<-g.all
	<-q.slots
	g.leave(q)
}
