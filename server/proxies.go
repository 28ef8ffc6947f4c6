package server

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/larkspur-web/larkspur/environ/wire"
)

// Proxies are what stands between clients and a server, and is believed when it says who the client is, under
// which name, and over which protocol. There is one source for each of these: the connection, or what a trusted
// proxy says in the fields that Fields names. All other fields in which proxies say such things, and those of anybody
// else, are taken out of a request before an application can see them. The zero value trusts nobody.
type Proxies struct {
	// Networks are those of the trusted proxies.
	Networks []netip.Prefix
	// Unix has whoever connects to a unix socket be trusted.
	Unix bool
	// Fields are in which the proxies say it. Those that they do not set, or take out, a client could.
	Fields ProxyFields
	// Protocol has each connection of a trusted proxy begin with a header of the PROXY protocol, version 1 or 2; one
	// that does not is closed.
	Protocol bool
}

// ProxyFields are fields in which proxies say what they know of a client.
type ProxyFields int

// What proxies may set.
const (
	// XForwarded are X-Forwarded-For, -Proto, -Host and -Port.
	XForwarded ProxyFields = iota
	// Forwarded is the field of RFC 7239.
	Forwarded
	// NoFields says that they set none, as those that hand on bytes: see Protocol.
	NoFields
)

// ParseProxies parses networks, as 10.0.0.0/8, addresses, and unix.
func ParseProxies(networks ...string) (*Proxies, error) {
	p := new(Proxies)
	for _, s := range networks {
		if s == "unix" {
			p.Unix = true
			continue
		}
		prefix, err := netip.ParsePrefix(s)
		if a, e := netip.ParseAddr(s); e == nil && a.Zone() == "" {
			prefix, err = netip.PrefixFrom(a, a.BitLen()), nil
		}
		if err != nil {
			return nil, fmt.Errorf("server: %q is no network: write 10.0.0.0/8, 2001:db8::/32, an address, or unix", s)
		}
		if a := prefix.Addr(); a.Is4In6() && prefix.Bits() >= 96 {
			prefix = netip.PrefixFrom(a.Unmap(), prefix.Bits()-96)
		}
		p.Networks = append(p.Networks, prefix.Masked())
	}
	return p, nil
}

// trusts reports whether an address is that of a trusted proxy.
func (p *Proxies) trusts(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	return slices.ContainsFunc(p.Networks, func(n netip.Prefix) bool { return n.Contains(a) })
}

// trustsPeer reports whether the other end of a connection is a trusted proxy.
func (p *Proxies) trustsPeer(peer string) bool {
	if at, err := netip.ParseAddrPort(peer); err == nil {
		return p.trusts(at.Addr())
	}
	return p.Unix
}

// proxyFields are those in which proxies say what they know of a client, or of themselves. TestProxies names those
// that common ones set.
var proxyFields = []string{
	"Cf-Connecting-Ip", "Fastly-Client-Ip", "Forwarded", "Front-End-Https", "True-Client-Ip", "X-Client-Ip",
	"X-Cluster-Client-Ip", "X-Forwarded", "X-Forwarded-By", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Port",
	"X-Forwarded-Prefix", "X-Forwarded-Proto", "X-Forwarded-Protocol", "X-Forwarded-Scheme", "X-Forwarded-Server",
	"X-Forwarded-Ssl", "X-Original-Forwarded-For", "X-Original-Host", "X-Real-Ip", "X-Request-Id", "X-Scheme",
	"X-Url-Scheme",
}

// receive returns the request as the client has made it, and its id, "" if no trusted proxy says one. r must be one
// that a server has just made.
func (p *Proxies) receive(r *http.Request) (_ *http.Request, id string, err error) {
	trusted := p.trustsPeer(r.RemoteAddr)
	var said []forwarding
	port := ""
	if trusted {
		h := r.Header
		switch p.Fields {
		case XForwarded:
			said = xForwarded(listed(h["X-Forwarded-For"]), listed(h["X-Forwarded-Proto"]), listed(h["X-Forwarded-Host"]))
			if ports := listed(h["X-Forwarded-Port"]); len(ports) > 0 {
				port = ports[len(ports)-1]
			}
		case Forwarded:
			said, err = parseForwarded(h["Forwarded"])
		}
		if ids := h["X-Request-Id"]; len(ids) == 1 && len(ids[0]) <= maxRequestID && wire.Token(ids[0]) {
			id = ids[0]
		}
	}
	for _, name := range proxyFields {
		delete(r.Header, name)
	}
	if err != nil || len(said) == 0 {
		return r, id, err
	}
	return p.apply(r, said, port), id, nil
}

// maxRequestID is how long the id of a request may be that a proxy gives.
const maxRequestID = 128

// apply returns the request that the nearest proxy which is not trusted, or the client, has made.
func (p *Proxies) apply(r *http.Request, said []forwarding, port string) *http.Request {
	// From the nearest on, each speaks for the one before it, until one is not trusted: it is the client.
	first, peer := said[len(said)-1], r.RemoteAddr
	for i := len(said) - 1; i >= 0; i-- {
		first.client = said[i].client
		if said[i].proto != "" {
			first.proto = said[i].proto
		}
		if said[i].host != "" {
			first.host = said[i].host
		}
		if said[i].client == "" {
			break // it says nothing of whom it speaks for
		}
		at, ok := node(said[i].client)
		if !ok {
			peer = "" // it has an address, which the proxy does not tell
			break
		}
		peer = at.String()
		if !p.trusts(at.Addr()) {
			break
		}
	}
	r.RemoteAddr = peer
	if first.host != "" {
		r.Host = first.host
	}
	switch strings.ToLower(first.proto) {
	case "https", "wss":
		r.TLS = &tls.ConnectionState{HandshakeComplete: true} // of which nothing else is known
	case "http", "ws":
		r.TLS = nil
	default:
		if first.host == "" && port == "" {
			return r
		}
	}
	return withPort(r, port)
}

// withPort returns r with the port that its client has reached: what a proxy says, that of the host, or that of the
// scheme.
func withPort(r *http.Request, port string) *http.Request {
	usual := "80"
	if r.TLS != nil {
		usual = "443"
	}
	_, own, err := net.SplitHostPort(r.Host)
	if n, bad := strconv.ParseUint(port, 10, 16); bad != nil || n == 0 {
		port = ""
	}
	switch {
	case err == nil && own != "":
		port = own
	case port == "":
		port = usual
	case port != usual && r.Host != "":
		r.Host += ":" + port
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return r // the gate refuses such a host
	}
	at := &net.TCPAddr{Port: int(n)}
	if here, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr); ok {
		at.IP = here.IP
	}
	return r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, net.Addr(at)))
}
