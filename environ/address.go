package environ

import (
	"crypto/tls"
	"encoding/pem"
	"net"
	"net/http"
	"strconv"
	"strings"

	"go.starlark.net/starlark"
)

// serverName is never empty, which PEP 3333 ("environ Variables") asks for: the listener's address,
// where there is one and no name is configured.
func (c *Config) serverName(r *http.Request) starlark.Value {
	if c.ServerName != "" {
		return c.values.of(c.ServerName)
	}
	if a, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr); ok {
		return c.ip(a.IP)
	}
	return localhost
}

// serverPort is never empty either.
func (c *Config) serverPort(r *http.Request) starlark.Value {
	if a, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr); ok {
		return c.port(a.Port)
	}
	if r.TLS != nil {
		return port443
	}
	return port80
}

// peer returns what the key name says of the other end of the connection.
func (c *Config) peer(addr, name string) starlark.Value {
	i := strings.LastIndexByte(addr, ':')
	if i <= 0 {
		return nil // a unix socket's peer is "@" or nothing
	}
	switch name {
	case "REMOTE_PORT":
		return c.values.of(addr[i+1:])
	case "REMOTE_ADDR":
		host := addr[:i]
		if len(host) > 2 && host[0] == '[' && host[len(host)-1] == ']' {
			host = host[1 : len(host)-1]
		}
		return c.values.of(host)
	}
	return c.values.of(addr)
}

var (
	localhost = key("localhost")
	port80    = key("80")
	port443   = key("443")
	loopback  = key("127.0.0.1")
)

func (c *Config) ip(ip net.IP) starlark.Value {
	if len(ip) == 4 && [4]byte(ip) == [4]byte{127, 0, 0, 1} {
		return loopback
	}
	return c.values.of(ip.String())
}

func (c *Config) port(port int) starlark.Value {
	var buf [8]byte
	return c.values.of(string(strconv.AppendInt(buf[:0], int64(port), 10)))
}

// secured returns a variable of Apache's mod_ssl, which PEP 3333 ("environ Variables") asks for.
func secured(s *tls.ConnectionState, name string) starlark.Value {
	switch name {
	case "HTTPS":
		return on
	case "SSL_PROTOCOL":
		return tlsVersion(s.Version)
	case "SSL_CIPHER":
		return cipherNames[s.CipherSuite]
	case "SSL_TLS_SNI":
		if s.ServerName != "" {
			return starlark.String(s.ServerName)
		}
	case "SSL_CLIENT_CERT":
		if len(s.PeerCertificates) > 0 {
			block := pem.Block{Type: "CERTIFICATE", Bytes: s.PeerCertificates[0].Raw}
			return starlark.String(pem.EncodeToMemory(&block))
		}
	}
	return nil
}

var (
	on     = key("on")
	tls1_0 = key("TLSv1")
	tls1_1 = key("TLSv1.1")
	tls1_2 = key("TLSv1.2")
	tls1_3 = key("TLSv1.3")
)

var cipherNames = func() map[uint16]starlark.Value {
	m := map[uint16]starlark.Value{}
	for _, s := range append(tls.CipherSuites(), tls.InsecureCipherSuites()...) {
		m[s.ID] = key(s.Name)
	}
	return m
}()

// tlsVersion names a version as mod_ssl does.
func tlsVersion(v uint16) starlark.Value {
	switch v {
	case tls.VersionTLS10:
		return tls1_0
	case tls.VersionTLS11:
		return tls1_1
	case tls.VersionTLS12:
		return tls1_2
	case tls.VersionTLS13:
		return tls1_3
	}
	return starlark.String(tls.VersionName(v))
}
