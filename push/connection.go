package push

import "sync/atomic"

// A connection is what is known of a connection to a client.
type connection struct {
	diary diary
	open  atomic.Int64 // promises that are not settled
}

// connectionKey is the key of the *connection in a [Promiser]'s Session.
type connectionKey struct{}

// connectionOf returns what is known of the connection of p.
func connectionOf(p Promiser) *connection {
	m := p.Session()
	if c, ok := m.Load(connectionKey{}); ok {
		return c.(*connection)
	}
	c, _ := m.LoadOrStore(connectionKey{}, new(connection))
	return c.(*connection)
}
