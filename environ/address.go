package environ

import (
	"net"
	"net/netip"
	"strconv"
	"strings"

	"go.starlark.net/starlark"
)

// serverName is never empty, which PEP 3333 ("environ Variables") asks for: the listener's address,
// where there is one and no name is configured.
func (e *Environ) serverName() starlark.Value {
	if e.config.ServerName != "" {
		return e.value(e.config.ServerName)
	}
	if ip, _ := e.request.Local(); ip != nil {
		if ip.Equal(loopback) {
			return loopbackName // by far the most frequent behind a proxy, and in a benchmark
		}
		return e.value(ip.String())
	}
	return e.value("localhost")
}

var (
	loopback                    = net.IPv4(127, 0, 0, 1)
	loopbackName starlark.Value = starlark.String("127.0.0.1")
)

// serverPort is never empty either.
func (e *Environ) serverPort() starlark.Value {
	_, port := e.request.Local()
	switch {
	case port != 0:
	case e.request.Scheme() == "https":
		port = 443
	default:
		port = 80
	}
	var buf [8]byte
	return e.value(string(strconv.AppendInt(buf[:0], int64(port), 10)))
}

// peer is the address and the port of the other end of the connection.
func (e *Environ) peer() starlark.Value {
	if peer := e.request.Peer(); peer != "" {
		return e.value(peer)
	}
	return nil
}

func (e *Environ) remoteAddr() starlark.Value {
	peer := e.request.Peer()
	if peer == "" {
		return nil
	}
	host := peer[:strings.LastIndexByte(peer, ':')]
	if len(host) > 2 && host[0] == '[' && host[len(host)-1] == ']' {
		host = host[1 : len(host)-1]
	}
	return e.value(host)
}

func (e *Environ) remotePort() starlark.Value {
	peer := e.request.Peer()
	if peer == "" {
		return nil
	}
	port := peer[strings.LastIndexByte(peer, ':')+1:]
	if port == "0" {
		return nil // a proxy has said the address only
	}
	return e.value(port)
}

// Network is what one client has of an address: that of IPv4, or the /64 that a subscriber of IPv6
// has at least. RFC 6177, section 2. That of no address is the zero Prefix.
func Network(ip netip.Addr) netip.Prefix {
	ip = ip.Unmap().WithZone("")
	bits := ip.BitLen()
	if ip.Is6() {
		bits = 64
	}
	p, _ := ip.Prefix(bits) // the bits are in range
	return p
}
