package server

// IdleConns is how many connections of a group have no request. A client may have the whole of a
// response before the server counts its connection among them.
func IdleConns(g *Group) int {
	g.conns.mu.Lock()
	defer g.conns.mu.Unlock()
	return g.conns.idle.Len()
}

// ReadForwarded are the clients that fields of Forwarded name.
func ReadForwarded(values ...string) (clients []string, err error) {
	all, err := parseForwarded(values)
	for _, f := range all {
		clients = append(clients, f.client)
	}
	return clients, err
}
