package fetch

import (
	"context"
	"sync"
)

// A gate lets a number of requests in at once, and of each host a smaller one.
type gate struct {
	all     chan struct{}
	perHost int

	mu    sync.Mutex
	hosts map[string]*queue // of which a request runs or waits
}

// A queue is the requests of one host.
type queue struct {
	slots chan struct{}
	users int // under the lock of the gate
}

func newGate(all, perHost int) *gate {
	return &gate{all: make(chan struct{}, all), perHost: perHost, hosts: make(map[string]*queue)}
}

// enter waits for a slot. leave, which is to be called once, gives it back.
func (g *gate) enter(ctx context.Context, host string) (leave func(), err error) {
	g.mu.Lock()
	q := g.hosts[host]
	if q == nil {
		q = &queue{slots: make(chan struct{}, g.perHost)}
		g.hosts[host] = q
	}
	q.users++
	g.mu.Unlock()
	forget := func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		if q.users--; q.users == 0 {
			delete(g.hosts, host)
		}
	}
	// That of the host comes first: whoever waits for it is not in the way of other hosts.
	select {
	case q.slots <- struct{}{}:
	case <-ctx.Done():
		forget()
		return nil, context.Cause(ctx)
	}
	select {
	case g.all <- struct{}{}:
	case <-ctx.Done():
		<-q.slots
		forget()
		return nil, context.Cause(ctx)
	}
	return func() {
		<-g.all
		<-q.slots
		forget()
	}, nil
}
