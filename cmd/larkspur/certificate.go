package main

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

// A keyPair is a certificate with its key, in files, that can be loaded again while it serves.
type keyPair struct {
	cert, key string // paths
	current   atomic.Pointer[tls.Certificate]
}

func loadKeyPair(cert, key string) (*keyPair, error) {
	p := &keyPair{cert: cert, key: key}
	return p, p.load()
}

// load reads the files. If they do not make a pair, the one before serves on.
func (p *keyPair) load() error {
	pair, err := tls.LoadX509KeyPair(p.cert, p.key)
	if err != nil {
		return fmt.Errorf("load certificate: %w", err)
	}
	p.current.Store(&pair)
	return nil
}

// certificate is for tls.Config.GetCertificate.
func (p *keyPair) certificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	return p.current.Load(), nil
}

// devKeyPair returns the certificate for localhost that is kept in dir, made anew if there is none or it
// is about to end. Key and certificate are one file, for its owner only, so that they cannot be of two makes.
func devKeyPair(dir string, now time.Time) (*keyPair, error) {
	path := filepath.Join(dir, "localhost.pem")
	if p, err := loadKeyPair(path, path); err == nil && p.current.Load().Leaf.NotAfter.Sub(now) > certificateRenew {
		return p, nil
	}
	content, err := makeCertificate(now)
	if err == nil {
		err = keep(path, content)
	}
	if err != nil {
		return nil, fmt.Errorf("make a certificate: %w", err)
	}
	return loadKeyPair(path, path)
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
		SerialNumber:          serial,
		Subject:               pkix.Name{CommonName: "localhost", Organization: []string{"Larkspur development"}},
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
