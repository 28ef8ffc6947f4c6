package site

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"
)

const (
	certificateLife  = 365 * 24 * time.Hour
	certificateRenew = 7 * 24 * time.Hour // before its end
)

// A Certificate is a certificate with its key, in files, that can be loaded again while it serves.
// It is safe for concurrent use.
type Certificate struct {
	cert, key string // paths
	current   atomic.Pointer[tls.Certificate]
}

// ReadCertificate reads a certificate and its key from PEM files, which may be one.
func ReadCertificate(cert, key string) (*Certificate, error) {
	c := &Certificate{cert: cert, key: key}
	return c, c.Reload()
}

// Reload reads the files again. If they do not make a pair, the one before serves on. That of a nil
// Certificate does nothing.
func (c *Certificate) Reload() error {
	if c == nil {
		return nil
	}
	pair, err := tls.LoadX509KeyPair(c.cert, c.key)
	if err != nil {
		return fmt.Errorf("load certificate: %w", err)
	}
	c.current.Store(&pair)
	return nil
}

// covers reports whether the certificate is valid for a host. A nil one is not asked, and is.
func (c *Certificate) covers(host string) bool {
	if c == nil {
		return true
	}
	pair := c.current.Load()
	return pair == nil || pair.Leaf == nil || pair.Leaf.VerifyHostname(host) == nil
}

// Localhost returns a certificate for localhost that is kept in the directory, made anew if there
// is none or it is about to end. Key and certificate are one file, for its owner only, so that they
// cannot be of two makes.
func Localhost(dir string) (*Certificate, error) { return localhost(dir, time.Now()) }

func localhost(dir string, now time.Time) (*Certificate, error) {
	path := filepath.Join(dir, "localhost.pem")
	if c, err := ReadCertificate(path, path); err == nil &&
		c.current.Load().Leaf.NotAfter.Sub(now) > certificateRenew {
		return c, nil
	}
	content, err := makeCertificate(now)
	if err == nil {
		err = keep(path, content)
	}
	if err != nil {
		return nil, fmt.Errorf("make a certificate: %w", err)
	}
	return ReadCertificate(path, path)
}

// makeCertificate returns a key and a certificate for localhost, signed by itself, as PEM.
func makeCertificate(now time.Time) ([]byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: serial,
		Subject: pkix.Name{CommonName: "localhost",
			Organization: []string{"Larkspur development"}},
		NotBefore:             now.Add(-time.Hour),
		NotAfter:              now.Add(certificateLife),
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
		DNSNames:              []string{"localhost"},
		IPAddresses:           []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	content := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})
	return append(content, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})...), nil
}

// keep writes a file for its owner only, whole or not at all.
func keep(path string, content []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".localhost-*") // made with 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // once renamed it is not there
	if _, err := f.Write(content); err != nil {
		f.Close()
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
