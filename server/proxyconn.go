package server

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/pires/go-proxyproto"
)

// begins reports whether a connection begins with a header of the PROXY protocol.
func (p *Proxies) begins(c net.Conn) bool {
	if p == nil || !p.Protocol {
		return false
	}
	return p.trustsPeer(c.RemoteAddr().String())
}

// A proxied is a connection that a proxy has made for a client, behind the header that says whose.
type proxied struct {
	net.Conn
	rest          *bufio.Reader // what has come with the header; nil once it is read
	remote, local net.Addr
}

// proxyBuffer is how much of a connection is read at once for its header. The longest of version 1 has 107 bytes;
// more than this one of version 2 has no use for.
const proxyBuffer = 2 << 10

// readProxy reads the header with which a connection begins.
//
// The PROXY protocol, section 2: the receiver waits for the whole of it, and does not guess.
func readProxy(c net.Conn) (net.Conn, error) {
	_ = c.SetReadDeadline(time.Now().Add(DefaultReadHeaderTimeout))
	r := bufio.NewReaderSize(c, proxyBuffer)
	awaitLine(r)
	h, err := proxyproto.Read(r)
	if err != nil {
		return nil, fmt.Errorf("the PROXY protocol: %w", err)
	}
	_ = c.SetReadDeadline(time.Time{})
	p := &proxied{Conn: c, rest: r, remote: c.RemoteAddr(), local: c.LocalAddr()}
	if h.Command.IsLocal() || h.TransportProtocol.IsUnspec() {
		return p, nil // section 2.2: the connection is the proxy's own
	}
	from, to, ok := h.TCPAddrs()
	if !ok {
		return nil, errors.New("the PROXY protocol: the client is not one of TCP")
	}
	p.remote, p.local = from, to
	return p, nil
}

// maxProxyLine is how many bytes the header of version 1 has at most, which is a line.
const maxProxyLine = 107

// awaitLine reads on until the whole of a header of version 1 is in r: proxyproto refuses one that comes in
// parts. What is none, or too long, is for it to refuse.
func awaitLine(r *bufio.Reader) {
	for n := 1; n <= maxProxyLine; n++ {
		p, err := r.Peek(n)
		if err != nil || p[0] != 'P' || p[n-1] == '\n' {
			return
		}
	}
}

func (p *proxied) RemoteAddr() net.Addr { return p.remote }
func (p *proxied) LocalAddr() net.Addr  { return p.local }

// NetConn is the connection itself.
func (p *proxied) NetConn() net.Conn { return p.Conn }

// Read reads what has come with the header first.
func (p *proxied) Read(b []byte) (int, error) {
	if p.rest == nil {
		return p.Conn.Read(b)
	}
	if p.rest.Buffered() == 0 {
		p.rest = nil
		return p.Conn.Read(b)
	}
	return p.rest.Read(b[:min(len(b), p.rest.Buffered())])
}
