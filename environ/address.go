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

const defaultSoftware = "Larkspur"

// setServer sets what the connection says: this end and the other.
func (c *Config) setServer(d *starlark.Dict, r *http.Request) {
	name, port := c.serverAddr(r)
	set(d, keyServerName, name)
	set(d, keyServerPort, port)
	software := c.Software
	if software == "" {
		software = defaultSoftware
	}
	set(d, keySoftware, c.values.of(software))
	set(d, keyGateway, gateway)
	// A unix socket's peer is "@" or nothing.
	if i := strings.LastIndexByte(r.RemoteAddr, ':'); i > 0 {
		host := r.RemoteAddr[:i]
		if len(host) > 2 && host[0] == '[' && host[len(host)-1] == ']' {
			host = host[1 : len(host)-1]
		}
		set(d, keyRemoteAddr, c.values.of(host))
		set(d, keyRemotePort, c.values.of(r.RemoteAddr[i+1:]))
		set(d, keyPeer, c.values.of(r.RemoteAddr))
	}
}

// serverAddr returns SERVER_NAME and SERVER_PORT, which PEP 3333 ("environ Variables") wants never
// empty: the listener's, where there is one with a name and a port.
func (c *Config) serverAddr(r *http.Request) (name, port starlark.Value) {
	name, port = localhost, port80
	if r.TLS != nil {
		port = port443
	}
	if a, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr); ok {
		port = c.port(a.Port)
		if c.ServerName == "" {
			name = c.ip(a.IP)
		}
	}
	if c.ServerName != "" {
		name = c.values.of(c.ServerName)
	}
	return name, port
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

// setTLS sets the variables of Apache's mod_ssl, which PEP 3333 ("environ Variables") asks for.
func setTLS(d *starlark.Dict, s *tls.ConnectionState) {
	set(d, keyHTTPS, on)
	set(d, keySSLProtocol, tlsVersion(s.Version))
	if name, ok := cipherNames[s.CipherSuite]; ok {
		set(d, keySSLCipher, name)
	}
	if s.ServerName != "" {
		set(d, keySSLServer, starlark.String(s.ServerName))
	}
	if len(s.PeerCertificates) > 0 {
		block := pem.Block{Type: "CERTIFICATE", Bytes: s.PeerCertificates[0].Raw}
		set(d, keySSLClient, starlark.String(pem.EncodeToMemory(&block)))
	}
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
