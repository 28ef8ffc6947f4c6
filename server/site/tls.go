package site

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/acme"
)

// A TLS says how https listeners prove who they are, and who their clients are. The zero value has the
// [Site.Certificate] only. What is not said here is as Mozilla's intermediate configuration has it: TLS 1.2 with
// forward secrecy and authenticated encryption, and TLS 1.3.
type TLS struct {
	// Certificates are more of them. Who asks for a name gets the first that is for it, of Site.Certificate, these,
	// and ACME's; who asks for none of their names gets the first.
	Certificates []*Certificate
	// ACME gets certificates from an authority. Nil means none.
	ACME *ACME
	// Clients are whose certificates clients need. Nil means that they need none.
	Clients *Authority
}

// errNoCertificate is the error of an https listener of a site that has none.
var errNoCertificate = errors.New("no certificate")

// protocols are those that listeners of TLS speak.
var protocols = []string{"h2", "http/1.1"}

// suites are those of TLS 1.2: Mozilla's intermediate configuration, version 5.7. Those of TLS 1.3 are fixed.
var suites = []uint16{
	tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
	tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
	tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
}

// secure reports whether the site has a certificate, or gets one.
func (v *Site) secure() bool { return len(v.certificates()) > 0 || v.TLS.ACME != nil }

// certificates are those that are in files.
func (v *Site) certificates() []*Certificate {
	if v.Certificate == nil {
		return v.TLS.Certificates
	}
	return append([]*Certificate{v.Certificate}, v.TLS.Certificates...)
}

// A secure is how a site does TLS.
type secure struct {
	files  []*Certificate
	acme   *ACME
	config *tls.Config
	client *Authority
	pool   atomic.Pointer[clientConfig]
}

// A clientConfig is the configuration that asks for certificates of some authorities.
type clientConfig struct {
	pool   *x509.CertPool
	config *tls.Config
}

// newSecure is how the site does TLS, nil if it does not.
func newSecure(site *Site, logger *slog.Logger) *secure {
	if !site.secure() {
		return nil
	}
	s := &secure{files: site.certificates(), acme: site.TLS.ACME, client: site.TLS.Clients}
	s.acme.prepare(logger)
	s.config = &tls.Config{GetCertificate: s.certificate, MinVersion: tls.VersionTLS12, CipherSuites: suites,
		NextProtos: protocols}
	if s.acme != nil {
		s.config.NextProtos = append(s.config.NextProtos[:2:2], acme.ALPNProto)
	}
	return s
}

// leave ends what s does beside answering, unless next goes on with it.
func (s *secure) leave(next *secure) {
	if s != nil && s.acme != nil && (next == nil || next.acme != s.acme) {
		s.acme.end()
	}
}

// greet is the configuration for a client, by the site which serves now, so that a listener can stay when that
// changes.
func (s *Server) greet(hello *tls.ClientHelloInfo) (*tls.Config, error) {
	v := s.secure.Load()
	if v == nil {
		return nil, errNoCertificate
	}
	if v.client == nil || v.acme.challenged(hello) {
		return v.config, nil
	}
	pool := v.client.pool.Load()
	c := v.pool.Load()
	if c == nil || c.pool != pool {
		c = &clientConfig{pool, v.config.Clone()}
		c.config.ClientCAs, c.config.ClientAuth = pool, tls.RequireAndVerifyClientCert
		if v.client.Optional {
			c.config.ClientAuth = tls.VerifyClientCertIfGiven
		}
		v.pool.Store(c)
	}
	return c.config, nil
}

// certificate is the one for the name that a client asks for.
func (s *secure) certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	if s.acme.challenged(hello) {
		return s.acme.manager.GetCertificate(hello)
	}
	if len(s.files) == 1 && s.acme == nil {
		return s.files[0].current.Load(), nil
	}
	for _, c := range s.files {
		if pair := c.current.Load(); hello.SupportsCertificate(pair) == nil {
			return pair, nil
		}
	}
	if s.acme != nil && (len(s.files) == 0 || s.acme.allows(hello) == nil) {
		return s.acme.certificate(hello)
	}
	return s.files[0].current.Load(), nil
}

// covers reports whether the certificate that the client of r got is valid for a host, too. What an authority
// gives by ACME is for one name. A nil one is not asked: TLS is somebody else's.
func (s *secure) covers(r *http.Request, host string) bool {
	if s == nil || r.TLS == nil {
		return true
	}
	name := r.TLS.ServerName
	for _, c := range s.files {
		leaf := c.current.Load().Leaf
		if name == "" || leaf.VerifyHostname(name) == nil {
			return leaf.VerifyHostname(host) == nil
		}
	}
	if s.acme != nil {
		return name == host
	}
	return s.files[0].current.Load().Leaf.VerifyHostname(host) == nil
}

// lookInterval is how often the files of certificates are looked at.
const lookInterval = 2 * time.Second

// followCertificates reads the files of certificates again when they have changed, until ctx ends.
func (s *Server) followCertificates(ctx context.Context) {
	for look := time.NewTicker(lookInterval); ; {
		select {
		case <-ctx.Done():
			look.Stop()
			return
		case <-look.C:
			s.lookAtCertificates()
		}
	}
}

// lookAtCertificates reads those files again that have changed.
func (s *Server) lookAtCertificates() {
	v := s.secure.Load()
	if v == nil {
		return
	}
	for _, c := range v.files {
		if c.changed() {
			_ = s.readAgain(c.String(), c.Reload)
		}
	}
	if v.client != nil && v.client.files.changed(v.client.file) {
		_ = s.readAgain(v.client.file, v.client.Reload)
	}
}

// readAgain reads a file again, and logs what came of it.
func (s *Server) readAgain(name string, read func() error) error {
	if err := read(); err != nil {
		s.log.Error("reload failed, the last good certificate serves on", slog.Any("error", err))
		return err
	}
	s.log.Info("reloaded", slog.String("certificate", name))
	return nil
}

// reloadCertificates reads all of the files again.
func (s *Server) reloadCertificates() error {
	v := s.secure.Load()
	if v == nil {
		return nil
	}
	var errs []error
	for _, c := range v.files {
		c.files.note(c.cert, c.key)
		if err := c.Reload(); err != nil {
			s.log.Error("reload failed, the last good certificate serves on", slog.Any("error", err))
			errs = append(errs, err)
		}
	}
	if a := v.client; a != nil {
		a.files.note(a.file)
		if err := a.Reload(); err != nil {
			s.log.Error("reload failed, the last good authorities of clients count", slog.Any("error", err))
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// An Authority is who signs the certificates of clients: a file of certificates, which can be loaded again while
// it serves. It is safe for concurrent use.
type Authority struct {
	// Optional has clients without a certificate be served, too: the environ says which have one.
	Optional bool

	file  string
	pool  atomic.Pointer[x509.CertPool]
	files fileStamp
}

// ReadAuthority reads an authority from a file of PEM.
func ReadAuthority(file string) (*Authority, error) {
	a := &Authority{file: file}
	a.files.note(file)
	return a, a.Reload()
}

// Reload reads the file again. If there is no certificate in it, those before count.
func (a *Authority) Reload() error {
	text, err := os.ReadFile(a.file)
	if err != nil {
		return fmt.Errorf("load authorities of clients: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return fmt.Errorf("load authorities of clients: %s holds no certificate in PEM", strings.TrimSpace(a.file))
	}
	a.pool.Store(pool)
	return nil
}
