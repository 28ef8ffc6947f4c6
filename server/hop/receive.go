package hop

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"github.com/larkspur-web/larkspur/environ/wire"
)

// A Receiver reads facts, and keeps what it has made of those that come again. The zero value is
// ready. It is safe for concurrent use, and must not be copied.
type Receiver struct{ clients kept[string, *read] }

// A read client is one of a field.
type read struct {
	Client
	local        *net.TCPAddr // nil if it has none
	major, minor int          // of its protocol
	err          error
}

// Receive returns the request that the client made of one that a front has handed on: with the
// client's address, protocol and TLS, and without the fields of the hop. From its context [From]
// has the facts. It fails if the fields are not as a [Sender] writes them.
//
// r must be one that a server has just made: it may be r that is returned.
//
// It is for connections that only a front can write to.
func (v *Receiver) Receive(r *http.Request) (*http.Request, error) {
	a := new(arrival)
	if err := a.read(r.Header, v); err != nil {
		return nil, fmt.Errorf("hop: %w", err)
	}
	m, f, c := a.enter(r), &a.facts, a.client
	receive(m)
	m.RemoteAddr, m.TLS = f.Peer, f.TLS
	if c.major > 0 {
		m.Proto, m.ProtoMajor, m.ProtoMinor = f.Protocol, c.major, c.minor
	}
	if f.Target != "" {
		m.RequestURI = f.Target
	}
	if f.Path != "" {
		u := *m.URL
		u.Path, u.RawPath = f.Path, ""
		m.URL = &u
	}
	return m, nil
}

// An arrival is the context of a request that came over a hop.
type arrival struct {
	context.Context
	facts  Facts
	client *read
}

// Value is context.Context's: the facts, and the address that the client has reached.
func (a *arrival) Value(key any) any {
	switch key {
	case factsKey{}:
		return &a.facts
	case http.LocalAddrContextKey:
		if a.client.local == nil {
			return nil
		}
		return a.client.local
	}
	return a.Context.Value(key)
}

// A nested context is that of a request of a server which lets it be given other values.
type nested interface {
	context.Context
	Parent() context.Context
	SetParent(context.Context)
}

// enter returns r with a as its context, or behind that. One with trailers is a copy: its server knows
// those that were announced by r.
func (a *arrival) enter(r *http.Request) *http.Request {
	ctx := r.Context()
	if n, ok := ctx.(nested); ok && r.Trailer == nil {
		a.Context = n.Parent()
		n.SetParent(a)
		return r
	}
	a.Context = ctx
	return r.WithContext(a)
}

// read reads the fields of a hop, and takes them out of h.
func (a *arrival) read(h http.Header, v *Receiver) (wrong error) {
	f := &a.facts
	known := ""
	for name, values := range h {
		if !strings.HasPrefix(name, prefix) {
			continue
		}
		delete(h, name)
		if len(values) != 1 {
			wrong = fmt.Errorf("%s: there are %d", name, len(values))
			continue
		}
		var err error
		switch value := values[0]; name {
		case client:
			known = value
		case id:
			f.ID = value
		case page:
			f.Page = value
		case target:
			f.Target = value
		case path:
			f.Path, err = url.PathUnescape(value)
		case variables:
			f.Variables, err = readVariables(value)
		}
		if err != nil {
			wrong = fmt.Errorf("%s: %w", name, err)
		}
	}
	a.client = v.clients.of(known, readClient)
	f.Client = a.client.Client
	if wrong == nil {
		wrong = a.client.err
	}
	return wrong
}

func readVariables(s string) (map[string]string, error) {
	if s == "" {
		return nil, nil
	}
	values, err := url.ParseQuery(s)
	all := make(map[string]string, len(values))
	for name := range values {
		all[name] = values.Get(name)
	}
	return all, err
}

// readClient reads the value of the field that says a client.
func readClient(field string) *read {
	c := new(read)
	v, err := url.ParseQuery(field)
	if err == nil {
		c.Peer, c.Protocol, c.Mount = v.Get(peer), v.Get(protocol), v.Get(mount)
		c.Promises = wire.Listed(v[accepts], "promises")
		c.Hints = wire.Listed(v[accepts], "hints")
		c.major, c.minor, _ = http.ParseHTTPVersion(c.Protocol)
		err = c.readLocal(v.Get(local))
	}
	if err == nil {
		err = c.readTLS(v.Get(cipher), v.Get(certificate))
	}
	if c.TLS != nil && len(c.TLS.PeerCertificates) > 0 && v.Get(verified) == "yes" {
		c.TLS.VerifiedChains = [][]*x509.Certificate{c.TLS.PeerCertificates}
	}
	if err != nil {
		c.err = fmt.Errorf("%s: %w", client, err)
	}
	return c
}

func (c *read) readLocal(s string) error {
	if s == "" {
		return nil
	}
	if port, ok := strings.CutPrefix(s, ":"); ok {
		n, err := strconv.ParseUint(port, 10, 16)
		c.Local = netip.AddrPortFrom(netip.Addr{}, uint16(n))
		c.local = &net.TCPAddr{Port: int(n)}
		return err
	}
	at, err := netip.ParseAddrPort(s)
	c.Local = at
	c.local = net.TCPAddrFromAddrPort(at)
	return err
}

func (c *read) readTLS(s, client string) error {
	if s == "" {
		return nil
	}
	version, rest, _ := strings.Cut(s, " ")
	suite, name, _ := strings.Cut(rest, " ")
	c.TLS = &tls.ConnectionState{ServerName: name, HandshakeComplete: true}
	for _, n := range [...]struct {
		text string
		to   *uint16
	}{{version, &c.TLS.Version}, {suite, &c.TLS.CipherSuite}} {
		v, err := strconv.ParseUint(n.text, 16, 16)
		if err != nil {
			return err
		}
		*n.to = uint16(v)
	}
	if client == "" {
		return nil
	}
	der, err := base64.StdEncoding.DecodeString(client)
	if err != nil {
		return err
	}
	// The front has verified it. What cannot be parsed is still what the client sent.
	own, err := x509.ParseCertificate(der)
	if err != nil {
		own = &x509.Certificate{Raw: der}
	}
	c.TLS.PeerCertificates = []*x509.Certificate{own}
	return nil
}
