package deploy

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"
)

// statement is what a signature is of. It names the application, so that one is not deployed as another.
func (d *Deployment) statement(app string) []byte {
	return fmt.Appendf(nil, "larkspur deploy\n%s\n%d\n%s\n%s\n",
		app, d.Number, d.Time.UTC().Format(time.RFC3339Nano), d.Digest)
}

func (d *Deployment) signedBy(key ed25519.PublicKey, app string) bool {
	return ed25519.Verify(key, d.statement(app), d.Signature)
}

// verify returns an error unless one of the keys has signed the deployment. Without keys all may be loaded.
func verify(keys []ed25519.PublicKey, app string, d *Deployment) error {
	switch {
	case len(keys) == 0, slices.ContainsFunc(keys, func(key ed25519.PublicKey) bool { return d.signedBy(key, app) }):
		return nil
	case len(d.Signature) == 0:
		return errors.New("deploy: it is not signed, and this node loads only what is")
	}
	return errors.New("deploy: it is not signed by a key that this node trusts")
}

// ReadKey reads a private key of Ed25519, as openssl genpkey -algorithm ed25519 writes it.
func ReadKey(file string) (ed25519.PrivateKey, error) {
	der, err := readPEM(file, "PRIVATE KEY")
	if err != nil {
		return nil, err
	}
	key, err := x509.ParsePKCS8PrivateKey(der)
	if k, ok := key.(ed25519.PrivateKey); err == nil && ok {
		return k, nil
	}
	return nil, fmt.Errorf("%s: no private key of Ed25519: openssl genpkey -algorithm ed25519 makes one", file)
}

// ReadTrusted reads a public key of Ed25519, as openssl pkey -pubout writes it.
func ReadTrusted(file string) (ed25519.PublicKey, error) {
	der, err := readPEM(file, "PUBLIC KEY")
	if err != nil {
		return nil, err
	}
	key, err := x509.ParsePKIXPublicKey(der)
	if k, ok := key.(ed25519.PublicKey); err == nil && ok {
		return k, nil
	}
	return nil, fmt.Errorf("%s: no public key of Ed25519: openssl pkey -in KEY -pubout writes it", file)
}

func readPEM(file, kind string) ([]byte, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(data)
	if block == nil || block.Type != kind {
		return nil, fmt.Errorf("%s: there is no PEM block of the type %s", file, kind)
	}
	return block.Bytes, nil
}
