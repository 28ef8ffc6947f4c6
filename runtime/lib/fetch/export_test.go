package fetch

import (
	"context"
	"net"
	"net/netip"
)

// Public is public.
func Public(a netip.Addr) bool { return public(a) }

// ConnectBy has the grant connect by f, to addresses that it has judged.
func (g *Grant) ConnectBy(f func(ctx context.Context, network, address string) (net.Conn, error)) error {
	c, err := g.open()
	if err == nil {
		c.connect = f
	}
	return err
}

// ParseURL returns the URL as it is sent, and the target.
func ParseURL(raw string) (url, target string, err error) {
	u, t, err := parseURL(raw)
	if err != nil {
		return "", "", err
	}
	return u.String(), t.String(), nil
}

// Running is how many requests of the grant run or wait, by the hosts that they are of.
func (g *Grant) Running() int {
	c, err := g.open()
	if err != nil {
		return 0
	}
	c.gate.mu.Lock()
	defer c.gate.mu.Unlock()
	n := 0
	for _, q := range c.gate.hosts {
		n += q.users
	}
	return n
}
