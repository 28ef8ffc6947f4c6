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

// Receive returns the request that the client made of one that a front has handed on: with the
// client's address, protocol and TLS, and without the fields of the hop. From its context [From]
// has the facts. It fails if the fields are not as [Facts.Send] writes them.
//
// It is for connections that only a front can write to.
func Receive(r *http.Request) (*http.Request, error) {
	a := &arrival{}
	a.Context = r.Context()
	if err := a.facts.read(r.Header); err != nil {
		return nil, fmt.Errorf("hop: %w", err)
	}
	f := &a.facts
	a.message = *r.WithContext(a)
	m := &a.message
	m.Header = Strip(r.Header)
	if _, ok := r.Trailer[ending]; ok {
		m.Trailer = nil
		m.Body = &received{ReadCloser: r.Body, trailer: r.Trailer}
	}
	m.RemoteAddr = f.Peer
	m.TLS = f.TLS
	if major, minor, ok := http.ParseHTTPVersion(f.Protocol); ok {
		m.Proto, m.ProtoMajor, m.ProtoMinor = f.Protocol, major, minor
	}
	if f.Target != "" {
		m.RequestURI = f.Target
	}
	if f.Path != "" {
		u := *m.URL
		u.Path, u.RawPath = f.Path, ""
		m.URL = &u
	}
	if f.Local.Port() != 0 || f.Local.IsValid() {
		a.local = net.TCPAddr{Port: int(f.Local.Port())}
		if ip := f.Local.Addr(); ip.IsValid() {
			a.local.IP, a.local.Zone = ip.AsSlice(), ip.Zone()
		}
	}
	return m, nil
}

// An arrival is a request that came over a hop, and its context.
type arrival struct {
	context.Context
	facts   Facts
	message http.Request
	local   net.TCPAddr
}

// Value is context.Context's: the facts, and the address that the client has reached.
func (a *arrival) Value(key any) any {
	switch key {
	case factsKey{}:
		return &a.facts
	case http.LocalAddrContextKey:
		if a.local.Port == 0 && a.local.IP == nil {
			return (*net.UnixAddr)(nil)
		}
		return &a.local
	}
	return a.Context.Value(key)
}

// read reads the fields.
func (f *Facts) read(h http.Header) (err error) {
	one := func(name string) string {
		values := h[name]
		if len(values) > 1 {
			err = fmt.Errorf("%s: there are %d", name, len(values))
		}
		if len(values) == 0 {
			return ""
		}
		return values[0]
	}
	path := func(name string) string {
		s, wrong := url.PathUnescape(one(name))
		if wrong != nil {
			err = fmt.Errorf("%s: %w", name, wrong)
		}
		return s
	}
	f.Peer, f.Protocol, f.ID, f.Page = one(Peer), one(Protocol), one(ID), one(Page)
	f.Target = one(Target)
	f.Mount, f.Path = path(Mount), path(Path)
	if s := one(Local); s != "" {
		f.Local, err = readLocal(s, err)
	}
	if s := one(Cipher); s != "" {
		f.TLS, err = readTLS(s, one(Client), err)
	}
	if accepts := h[Accepts]; accepts != nil {
		f.Promises, f.Hints = wire.Listed(accepts, "promises"), wire.Listed(accepts, "hints")
	}
	if s := one(Variables); s != "" {
		f.Variables, err = readVariables(s, err)
	}
	return err
}

func readLocal(s string, before error) (netip.AddrPort, error) {
	if port, ok := strings.CutPrefix(s, ":"); ok {
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil {
			return netip.AddrPort{}, fmt.Errorf("%s: %w", Local, err)
		}
		return netip.AddrPortFrom(netip.Addr{}, uint16(n)), before
	}
	at, err := netip.ParseAddrPort(s)
	if err != nil {
		return at, fmt.Errorf("%s: %w", Local, err)
	}
	return at, before
}

func readTLS(s, client string, before error) (*tls.ConnectionState, error) {
	var state tls.ConnectionState
	version, rest, _ := strings.Cut(s, " ")
	suite, name, _ := strings.Cut(rest, " ")
	for _, n := range [...]struct {
		text string
		to   *uint16
	}{{version, &state.Version}, {suite, &state.CipherSuite}} {
		v, err := strconv.ParseUint(n.text, 16, 16)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", Cipher, err)
		}
		*n.to = uint16(v)
	}
	state.ServerName = name
	state.HandshakeComplete = true
	if client != "" {
		der, err := base64.StdEncoding.DecodeString(client)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", Client, err)
		}
		// The front has verified it. What cannot be parsed is still what the client sent.
		c, err := x509.ParseCertificate(der)
		if err != nil {
			c = &x509.Certificate{Raw: der}
		}
		state.PeerCertificates = []*x509.Certificate{c}
	}
	return &state, before
}

func readVariables(s string, before error) (map[string]string, error) {
	values, err := url.ParseQuery(s)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", Variables, err)
	}
	variables := make(map[string]string, len(values))
	for name, all := range values {
		variables[name] = all[0]
	}
	return variables, before
}
