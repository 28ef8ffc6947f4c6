package h2

import "maps"

// StreamCounts are of the streams that there have been.
type StreamCounts struct {
	Requests    uint64 // that clients have opened
	Promises    uint64 // that were promised
	ResetPeer   uint64 // that the client has reset, before they had ended
	ResetServer uint64 // that the server has reset, or lost with their connection
}

// closed counts the end of a stream by err.
func (n *StreamCounts) closed(err error) {
	if err == nil {
		return
	}
	if r, ok := err.(ResetError); ok && r.Remote {
		n.ResetPeer++
	} else {
		n.ResetServer++
	}
}

func (n *StreamCounts) add(m StreamCounts) {
	n.Requests += m.Requests
	n.Promises += m.Promises
	n.ResetPeer += m.ResetPeer
	n.ResetServer += m.ResetServer
}

// Stats are what a [Server] serves now, and has served.
type Stats struct {
	Conns       int    // connections that are open
	ConnsServed uint64 // connections, those that are open included
	Streams     int    // requests that are open
	Promises    int    // promised streams that are open
	StreamCounts
}

// Stats returns them. It takes the lock of each connection, one after the other: it is for now and
// then.
func (s *Server) Stats() Stats {
	s.mu.Lock()
	conns := maps.Clone(s.conns)
	stats := Stats{Conns: len(conns), ConnsServed: s.served, StreamCounts: s.past}
	s.mu.Unlock()
	for c := range conns {
		c.mu.Lock()
		stats.Streams += c.streams.clients
		stats.Promises += c.streams.promises
		stats.StreamCounts.add(c.streams.count)
		c.mu.Unlock()
	}
	return stats
}
