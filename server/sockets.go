package server

import (
	"context"
	"net"
	"net/http"
	"sync"
)

// sockets are what applications have taken over of the connections of an http.Server, which neither
// waits for them nor tells them that it ends. A nil *sockets has none.
type sockets struct {
	mu     sync.Mutex
	open   map[*socket]struct{}
	ending bool
	empty  chan struct{} // closed when there are none; nil unless somebody waits
}

// A socket is one of them.
type socket struct {
	ending func() // tells the application that the server ends
	cut    func() // ends its call
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
			k.cut()
		}
	}
}
