package fetch

import (
	"cmp"
	"context"
	"crypto/x509"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/larkspur-web/larkspur/runtime/host"
)

// A Grant says which servers may be asked, and how many at once. Programs that have one Grant share
// its connections. The zero value grants nothing. It must not be copied or changed once a program
// has it, and is then safe for concurrent use.
type Grant struct {
	// Hosts are those that may be asked, each written as one of
	//
	//	example.com             this host, on the ports 80 and 443
	//	example.com:8443        this host, on this port, at whatever address it is
	//	*.example.com           all hosts below it, but not itself; also with a port
	//	*                       all hosts; also with a port
	//	127.0.0.1:9000          this address, on this port
	//	[::1]:9000              the same of IPv6
	//	198.51.100.0/24         URLs that have an address of this network as their host
	//
	// A private address, and any other that is not of the public internet (loopback, link-local,
	// unique-local, multicast, unspecified, documentation, those that carry one of these in IPv6,
	// and those at which clouds tell a machine its secrets), is reached only if the very host and the
	// very port of the URL are granted, without a star: an operator who writes localhost:9000 or
	// db.internal:443 means it. That is judged by the address that is dialled.
	Hosts []string
	// Advice says how a host is granted that was refused, written as one of Hosts, in the words of
	// whoever runs the program; "" says nothing. Nil says grant fetch=HOST.
	Advice func(host string) string
	// Timeout is how long a request may take that says nothing of it. Zero means 30 seconds.
	Timeout time.Duration
	// Requests is how many requests may run at once; more wait. Zero means 64.
	Requests int
	// RequestsPerHost is how many of one host may. Zero means 16.
	RequestsPerHost int
	// Roots are the certificates that are trusted. Nil means those of the system.
	Roots *x509.CertPool
	// Lookup returns the addresses of a host. Nil asks the system. It may be called from any number
	// of goroutines.
	Lookup func(ctx context.Context, host string) ([]netip.Addr, error)
	// Connect connects to HOST:PORT, and judges at which address that may be, as Dial of a Grant in
	// another process does. Nil means that this one does. It may be called from any number of
	// goroutines.
	Connect func(ctx context.Context, network, address string) (net.Conn, error)

	once   sync.Once
	client *client
	err    error
	trial  *trial // not nil if it is a trial's
}

var _ host.Tester = (*Grant)(nil)

// Check returns what is wrong with Hosts, nil if nothing is.
func (g *Grant) Check() error {
	_, err := g.patterns()
	return err
}

// Close closes the connections that nothing uses. Requests open new ones.
func (g *Grant) Close() {
	if c, err := g.open(); err == nil {
		c.transport.CloseIdleConnections()
	}
}

// Dial connects to HOST:PORT if that is granted, and at an address at which it may be reached. It is
// for whoever makes the connections of a program in another process, and sends nothing.
func (g *Grant) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	c, err := g.open()
	switch {
	case err != nil:
		return nil, err
	case network != "tcp":
		return nil, failed(refused, "no connection of %s is made", host.Cut(strconv.Quote(network)))
	}
	return c.dial(ctx, network, address)
}

// open returns the client of the grant, which is one for all programs.
func (g *Grant) open() (*client, error) {
	g.once.Do(func() {
		var patterns []pattern
		if patterns, g.err = g.patterns(); g.err == nil {
			g.client = newClient(g, patterns)
		}
	})
	return g.client, g.err
}

// time is how long a request takes at most that asks for length, 0 if it does not.
func (g *Grant) time(length time.Duration) time.Duration {
	return cmp.Or(length, g.Timeout, 30*time.Second)
}

// advice says how something is granted.
func (g *Grant) advice(granted string) string {
	text := "grant fetch=" + granted
	if g.Advice != nil {
		text = g.Advice(granted)
	}
	if text == "" {
		return ""
	}
	return "; " + text
}

// A pattern is one of the Hosts.
type pattern struct {
	name    string       // the host, or what stands behind a star
	wild    bool         // there is a star
	network netip.Prefix // valid if it is one
	port    uint16       // 0 for 80 and 443
}

func (g *Grant) patterns() ([]pattern, error) {
	var all []pattern
	for _, text := range g.Hosts {
		p, err := parsePattern(text)
		if err != nil {
			return nil, fmt.Errorf("fetch: grant host %q: %w", text, err)
		}
		all = append(all, p)
	}
	return all, nil
}

func parsePattern(text string) (pattern, error) {
	if strings.Contains(text, "/") {
		network, err := netip.ParsePrefix(text)
		switch {
		case err != nil:
			if _, rest, ok := strings.Cut(text, "://"); ok {
				host, _, _ := strings.Cut(rest, "/")
				return pattern{}, fmt.Errorf("it is a URL: write %s", host)
			}
			return pattern{}, fmt.Errorf("it is neither a host nor a network, as 198.51.100.0/24")
		case !public(network.Masked().Addr()) && network.Bits() > 0:
			return pattern{}, fmt.Errorf("it is not public: name each host of it with its port")
		}
		return pattern{network: network.Masked()}, nil
	}
	name, port := text, ""
	if i := strings.LastIndexByte(text, ':'); i >= 0 && !strings.HasSuffix(text, "]") {
		name, port = text[:i], text[i+1:]
		if port == "" {
			return pattern{}, fmt.Errorf("there is no port behind the colon")
		}
	}
	bare, quoted := strings.CutPrefix(name, "[")
	if quoted {
		if bare, quoted = strings.CutSuffix(bare, "]"); !quoted {
			return pattern{}, fmt.Errorf("the brackets are not around an IPv6 address")
		}
	}
	p := pattern{}
	switch below, ok := strings.CutPrefix(bare, "*."); {
	case bare == "*":
		p.wild, bare = true, "star.invalid" // for the port
	case ok:
		p.wild, bare, p.name = true, below, "."+below
	}
	t, err := parseTarget(bare, port, quoted)
	if err != nil {
		return pattern{}, err
	}
	p.port = t.port
	switch {
	case p.name != "":
		p.name = "." + t.name
		if t.addr.IsValid() {
			return pattern{}, fmt.Errorf("a star stands before the name of a domain")
		}
	case !p.wild:
		p.name = t.name
		if p.port == 0 && (t.addr.IsValid() && !public(t.addr) || t.name == "localhost") {
			return pattern{}, fmt.Errorf("it is not public: say the port, as in %s:%s",
				bracketed(t.name), "9000")
		}
	}
	return p, nil
}

// covers reports whether the pattern stands for a target, and whether it names the very host and
// port.
func (p *pattern) covers(t target) (granted, named bool) {
	if p.port != t.port && (p.port != 0 || t.port != 80 && t.port != 443) {
		return false, false
	}
	switch {
	case p.network.IsValid():
		return t.addr.IsValid() && p.network.Contains(t.addr), false
	case p.wild && p.name == "":
		return true, false
	case p.wild:
		return !t.addr.IsValid() && strings.HasSuffix(t.name, p.name), false
	}
	return p.name == t.name, p.name == t.name && p.port != 0
}

// Grants reports whether a host, written as in Hosts without a star, may be asked.
func (g *Grant) Grants(host string) bool {
	asked, err := parsePattern(host)
	all, wrong := g.patterns()
	if err != nil || wrong != nil || asked.wild || asked.network.IsValid() {
		return false
	}
	t := target{name: asked.name, port: cmp.Or(asked.port, 443)}
	t.addr, _ = netip.ParseAddr(asked.name) // a name is none
	for i := range all {
		if granted, _ := all[i].covers(t); granted {
			return true
		}
	}
	return false
}

// granting is a target as it would be granted: without a port where that goes without saying.
func granting(t target) string {
	if t.port == 80 || t.port == 443 {
		return bracketed(t.name)
	}
	return bracketed(t.name) + ":" + strconv.Itoa(int(t.port))
}
