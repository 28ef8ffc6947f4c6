package state

import (
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"time"
)

// nodes is the name that the certificates of all nodes are for: an address says nothing about who is
// one.
const nodes = "node.larkspur.invalid"

// trust returns how the nodes of a cluster know each other: by TLS 1.3, on both sides with a
// certificate that is signed by a key that the secret and the name of the cluster make. The key of the
// certificate is made anew by each process.
func trust(name, secret string) (*tls.Config, error) {
	seed, err := hkdf.Key(sha256.New, []byte(secret), []byte(name), "larkspur cluster", ed25519.SeedSize)
	if err != nil {
		return nil, fmt.Errorf("make the key of the cluster: %w", err)
	}
	signer := ed25519.NewKeyFromSeed(seed)
	ca := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "larkspur cluster " + name},
		// Clocks may differ, and no node outlives the secret.
		NotBefore: time.Unix(0, 0), NotAfter: time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, ca, ca, signer.Public(), signer)
	if err == nil {
		ca, err = x509.ParseCertificate(der)
	}
	if err != nil {
		return nil, fmt.Errorf("make the certificate of the cluster: %w", err)
	}
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make the key of the node: %w", err)
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, fmt.Errorf("make the certificate of the node: %w", err)
	}
	own := &x509.Certificate{
		SerialNumber: serial.Add(serial, big.NewInt(2)), Subject: pkix.Name{CommonName: nodes},
		NotBefore: ca.NotBefore, NotAfter: ca.NotAfter, DNSNames: []string{nodes},
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	if der, err = x509.CreateCertificate(rand.Reader, own, ca, public, signer); err != nil {
		return nil, fmt.Errorf("make the certificate of the node: %w", err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(ca)
	return &tls.Config{
		MinVersion:   tls.VersionTLS13,
		Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: private}},
		RootCAs:      pool, ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert, ServerName: nodes,
	}, nil
}
