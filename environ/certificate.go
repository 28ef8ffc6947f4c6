package environ

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"strings"
	"time"

	"go.starlark.net/starlark"
)

// What follows are the variables of Apache's mod_ssl, which PEP 3333 ("environ Variables") asks
// for.

func (e *Environ) https() starlark.Value {
	if e.request.TLS() == nil {
		return nil
	}
	return e.value("on")
}

func (e *Environ) sslProtocol() starlark.Value {
	s := e.request.TLS()
	if s == nil || s.Version == 0 { // a proxy has ended it
		return nil
	}
	if name, ok := versionNames[s.Version]; ok {
		return e.value(name)
	}
	return starlark.String(tls.VersionName(s.Version))
}

// versionNames names a version as mod_ssl does.
var versionNames = map[uint16]string{
	tls.VersionTLS10: "TLSv1", tls.VersionTLS11: "TLSv1.1", tls.VersionTLS12: "TLSv1.2",
	tls.VersionTLS13: "TLSv1.3",
}

func (e *Environ) sslCipher() starlark.Value {
	s := e.request.TLS()
	if s == nil || s.CipherSuite == 0 {
		return nil
	}
	return e.value(tls.CipherSuiteName(s.CipherSuite))
}

func (e *Environ) sslServer() starlark.Value {
	if s := e.request.TLS(); s != nil && s.ServerName != "" {
		return starlark.String(s.ServerName)
	}
	return nil
}

func (e *Environ) sslCertificate() starlark.Value {
	s := e.request.TLS()
	if s == nil || len(s.PeerCertificates) == 0 {
		return nil
	}
	block := pem.Block{Type: "CERTIFICATE", Bytes: s.PeerCertificates[0].Raw}
	return starlark.String(pem.EncodeToMemory(&block))
}

func (e *Environ) sslVerify() starlark.Value {
	s := e.request.TLS()
	switch {
	case s == nil || s.Version == 0:
		return nil
	case len(s.PeerCertificates) == 0:
		return e.value("NONE")
	case len(s.VerifiedChains) == 0:
		return e.value("GENEROUS")
	}
	return e.value("SUCCESS")
}

// ofClient gets a value from the certificate of the client; "" is none.
func ofClient(get func(*x509.Certificate) string) func(*Environ) starlark.Value {
	return func(e *Environ) starlark.Value {
		s := e.request.TLS()
		if s == nil || len(s.PeerCertificates) == 0 || s.PeerCertificates[0].SerialNumber == nil {
			return nil // or it could not be parsed where it came to by way of another process
		}
		if v := get(s.PeerCertificates[0]); v != "" {
			return starlark.String(v)
		}
		return nil
	}
}

func serialOf(c *x509.Certificate) string { return strings.ToUpper(c.SerialNumber.Text(16)) }

// opensslTime writes a time as OpenSSL, and so mod_ssl, does.
func opensslTime(t time.Time) string { return t.UTC().Format("Jan _2 15:04:05 2006 GMT") }

func first(all []string) string {
	if len(all) == 0 {
		return ""
	}
	return all[0]
}
