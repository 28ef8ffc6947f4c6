package server

import (
	"context"
	"net"
	"net/http"
	"sync"
)

// sockets are what has no end of its own among what an http.Server answers, and is to be told that it
// ends: the connections that applications have taken over, for which it does not wait either, and
// event streams. A nil *sockets has none.
type sockets struct {
	mu     sync.Mutex
	open   map[*socket]struct{}
	named  map[string]*socket // those that have an id
	ending bool
	empty  chan struct{} // closed when there are none; nil unless somebody waits
}

// A socket is one of them.
type socket struct {
	id     string // of its request, under which a front in another process knows it; "" behind none
	ending func() // tells the application that the server ends
	cut    func() // ends its call; nil if the server does
}

// socketsKey is the context key of the *sockets of a server.
type socketsKey struct{}

// keepSockets has s tell of its end those that have taken over its connections.
func keepSockets(s *http.Server) *sockets {
	kept := new(sockets)
	more := s.BaseContext
	s.BaseContext = func(l net.Listener) context.Context {
		ctx := context.Background()
		if more != nil {
			ctx = more(l)
		}
		return context.WithValue(ctx, socketsKey{}, kept)
	}
	s.RegisterOnShutdown(kept.end)
	return kept
}

// socketsOf returns those of the server that r came to, nil if it keeps none.
func socketsOf(r *http.Request) *sockets {
	s, _ := r.Context().Value(socketsKey{}).(*sockets)
	return s
}

func (s *sockets) enter(k *socket) {
	if s == nil {
		return
	}
	s.mu.Lock()
	if s.open == nil {
		s.open = make(map[*socket]struct{})
	}
	s.open[k] = struct{}{}
	if k.id != "" {
		if s.named == nil {
			s.named = make(map[string]*socket)
		}
		s.named[k.id] = k
	}
	ending := s.ending
	s.mu.Unlock()
	if ending {
		go k.ending()
	}
}

func (s *sockets) leave(k *socket) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, k)
	if k.id != "" {
		delete(s.named, k.id)
	}
	if len(s.open) == 0 && s.empty != nil {
		close(s.empty)
		s.empty = nil
	}
}

// end tells all of them that the server ends.
func (s *sockets) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ending {
		return
	}
	s.ending = true
	for k := range s.open {
		go k.ending()
	}
}

// wait waits until there are none, or ctx ends: then it ends their calls.
func (s *sockets) wait(ctx context.Context) {
	s.mu.Lock()
	if len(s.open) == 0 {
		s.mu.Unlock()
		return
	}
	if s.empty == nil {
		s.empty = make(chan struct{})
	}
	empty := s.empty
	s.mu.Unlock()
	select {
	case <-empty:
	case <-ctx.Done():
		s.mu.Lock()
		defer s.mu.Unlock()
		for k := range s.open {
			if k.cut != nil {
				k.cut()
			}
		}
	}
}

// tell tells the one of a request.
func (s *sockets) tell(id string) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if k := s.named[id]; k != nil {
		go k.ending()
	}
}

// OnEnding has f called, on a goroutine of its own, when the server begins to end that r came to, or
// that has begun already. It is for handlers of what has no end of its own, which the server would
// wait for until its time to drain is over. stop has f not be called any more.
func OnEnding(r *http.Request, f func()) (stop func()) {
	k, s := &socket{ending: f}, socketsOf(r)
	s.enter(k)
	return func() { s.leave(k) }
}

// TellEnding tells what answers the request of this id that the server ends which its client is
// connected to, in another process: an application that has a WebSocket closes it, an event stream
// ends. r is a request that has come to the same server; of one that has ended already nothing
// is told.
func TellEnding(r *http.Request, id string) { socketsOf(r).tell(id) }
