package server

import "io"

// IdleConns is how many connections of a group have no request. A client may have the whole of a
// response before the server counts its connection among them.
func IdleConns(g *Group) int {
	g.conns.mu.Lock()
	defer g.conns.mu.Unlock()
	return g.conns.idle.Len()
}

// NewFrames returns what passes on a direction of a WebSocket, and what ends it.
func NewFrames(to io.Writer, masked bool) (w io.Writer, end func()) {
	f := &frames{to: to, masked: masked}
	return f, f.end
}

// ReadForwarded are the clients that fields of Forwarded name.
func ReadForwarded(values ...string) (clients []string, err error) {
	all, err := parseForwarded(values)
	for _, f := range all {
		clients = append(clients, f.client)
	}
	return clients, err
}

// ReadProxy reads the header with which a connection of a proxy begins.
var ReadProxy = readProxy
