package fetch

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"
)

const (
	// maxHead is how many bytes the head of a response may have.
	maxHead = 64 << 10
	// maxAddresses is how many addresses of a host are tried.
	maxAddresses = 8
	// connecting is how long a connection may take.
	connecting = 10 * time.Second
)

// A client sends the requests of one grant. It is safe for concurrent use.
type client struct {
	grant     *Grant
	patterns  []pattern
	transport *http.Transport
	tls       *tls.Config
	gate      *gate
	// connect connects to an address that has been judged.
	connect func(ctx context.Context, network, address string) (net.Conn, error)
}

func newClient(g *Grant, patterns []pattern) *client {
	c := &client{
		grant:    g,
		patterns: patterns,
		tls:      &tls.Config{RootCAs: g.Roots, NextProtos: []string{"h2", "http/1.1"}},
		connect:  (&net.Dialer{KeepAlive: 30 * time.Second}).DialContext,
		gate:     newGate(cmp.Or(g.Requests, 64), cmp.Or(g.RequestsPerHost, 16)),
	}
	c.transport = &http.Transport{
		// There is no Proxy: one that the environment names would dial for us, unchecked.
		DialContext:            c.dial,
		DialTLSContext:         c.dialTLS,
		ForceAttemptHTTP2:      true, // which a dialler of one's own switches off
		TLSClientConfig:        c.tls,
		MaxIdleConns:           cmp.Or(g.Requests, 64),
		MaxIdleConnsPerHost:    cmp.Or(g.RequestsPerHost, 16),
		IdleConnTimeout:        90 * time.Second,
		MaxResponseHeaderBytes: maxHead,
	}
	return c
}

// allows returns why a target may not be asked, before its address is known.
func (c *client) allows(t target) error {
	granted, named := c.judge(t)
	switch {
	case !granted:
		return failed(refused, "%s is not granted%s", granting(t), c.grant.advice(granting(t)))
	case t.addr.IsValid() && !named && !public(t.addr):
		return c.private(t, t.addr)
	}
	return nil
}

func (c *client) judge(t target) (granted, named bool) {
	for i := range c.patterns {
		g, n := c.patterns[i].covers(t)
		granted, named = granted || g, named || n
	}
	return granted, named
}

// private is the error of a target whose address may be reached only if it is named.
func (c *client) private(t target, a netip.Addr) error {
	at := "it"
	if !t.addr.IsValid() {
		at = a.String()
	}
	return failed(refused, "%s is not reached: %s is no address of the public internet, and %s is not "+
		"granted by this very name and port%s", bracketed(t.name), at, t, c.grant.advice(t.String()))
}

// resolve returns the addresses of a target, all of which may be dialled.
func (c *client) resolve(ctx context.Context, t target) ([]netip.Addr, error) {
	granted, named := c.judge(t)
	if !granted {
		return nil, c.allows(t)
	}
	all := []netip.Addr{t.addr}
	if !t.addr.IsValid() {
		lookup := c.grant.Lookup
		if lookup == nil {
			lookup = lookupSystem
		}
		found, err := lookup(ctx, t.name)
		if err != nil || len(found) == 0 {
			return nil, absent(t, err)
		}
		all = found[:min(len(found), maxAddresses)]
	}
	for i, a := range all {
		// An address of IPv4 is one however it is written; the dialler would see it so, too.
		if all[i] = a.Unmap(); !named && !public(all[i]) {
			return nil, c.private(t, all[i])
		}
	}
	return all, nil
}

func lookupSystem(ctx context.Context, name string) ([]netip.Addr, error) {
	// With the dot at its end it is looked up as it is: no domain of ours is tried behind it.
	if strings.Contains(name, ".") {
		name += "."
	}
	return net.DefaultResolver.LookupNetIP(ctx, "ip", name)
}

// absent is the failure of a look-up.
func absent(t target, err error) error {
	var dns *net.DNSError
	switch {
	case errors.As(err, &dns) && dns.IsNotFound, err == nil:
		return failed(unknown, "there is no host %s", t.name)
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	}
	return failed(unknown, "the address of %s cannot be looked up: %v", t.name, err)
}

// dial connects to the address of a target, host:port. It is looked up here, judged, and dialled as
// it was found: a name that means something else a moment later leads nowhere else.
func (c *client) dial(ctx context.Context, network, address string) (net.Conn, error) {
	name, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, failed(refused, "%q is not dialled", address)
	}
	t, err := parseTarget(name, port, strings.Contains(name, ":"))
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, connecting)
	defer cancel()
	if c.grant.Connect != nil {
		return c.grant.Connect(ctx, network, t.String())
	}
	all, err := c.resolve(ctx, t)
	if err != nil {
		return nil, err
	}
	deadline, _ := ctx.Deadline()
	for i, a := range all {
		// Each has an equal share of the time that is left.
		share := time.Until(deadline) / time.Duration(len(all)-i)
		limited, stop := context.WithTimeout(ctx, share)
		var conn net.Conn
		conn, err = c.connect(limited, network, netip.AddrPortFrom(a, t.port).String())
		stop()
		if err == nil {
			return conn, nil
		}
	}
	return nil, failed(unreached, "no connection to %s: %v", t, err)
}

// dialTLS is dial for https.
func (c *client) dialTLS(ctx context.Context, network, address string) (net.Conn, error) {
	plain, err := c.dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	name, _, _ := net.SplitHostPort(address) // dial has done so
	config := c.tls.Clone()
	config.ServerName = name
	conn := tls.Client(plain, config)
	ctx, cancel := context.WithTimeout(ctx, connecting)
	defer cancel()
	if err := conn.HandshakeContext(ctx); err != nil {
		plain.Close()
		return nil, failed(unsafe, "no secure connection to %s: %v", address, err)
	}
	return conn, nil
}
