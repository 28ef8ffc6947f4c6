package worker

import (
	"fmt"
	"net"
	"os"
)

// sockets are those between a front and a worker that is about to be started.
type sockets struct {
	ours   [3]net.Conn // of requests, messages and connections
	theirs []*os.File  // the other ends, in the same order
}

// newSockets makes them.
func newSockets() (*sockets, error) {
	s := new(sockets)
	for i, kind := range [...]int{stream, stream, packets} {
		ours, theirs, err := socketpair(kind)
		if err != nil {
			s.close()
			return nil, fmt.Errorf("worker: start: %w", err)
		}
		s.ours[i], s.theirs = ours, append(s.theirs, theirs)
	}
	return s, nil
}

// release closes the ends that a worker has inherited.
func (s *sockets) release() {
	for _, f := range s.theirs {
		f.Close()
	}
	s.theirs = nil
}

// close closes all ends.
func (s *sockets) close() {
	s.release()
	for _, c := range s.ours {
		if c != nil {
			c.Close()
		}
	}
}
