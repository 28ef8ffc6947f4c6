package crypto

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"

	"github.com/golang-jwt/jwt/v5"
	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/runtime/host/json"
	"go.starlark.net/starlark"
)

// A verificationKey is a key with the one algorithm that goes with its kind: who can choose the
// algorithm of a token must not have a public key taken for a secret.
type verificationKey struct {
	algorithm string
	id        string
	key       jwt.VerificationKey
}

// maxJWKS is how many keys a set may have. Those of issuers have two or three.
const maxJWKS = 100

// verificationKeys reads what a script gives as the key.
func verificationKeys(v starlark.Value) ([]verificationKey, error) {
	if text, ok := host.Octets(v); ok {
		return textKeys(text)
	}
	dict, ok := v.(starlark.Mapping)
	if !ok {
		return nil, fmt.Errorf("the key is %s: want a secret, PEM or a dict of JWKS", v.Type())
	}
	return setKeys(dict)
}

// textKeys reads a secret, or the text of a key. What could be a public key is never a secret.
func textKeys(text string) ([]verificationKey, error) {
	trimmed := strings.TrimSpace(text)
	switch {
	case strings.Contains(text, "-----BEGIN"):
		return pemKeys(text)
	case strings.HasPrefix(trimmed, "{"):
		v, err := json.Limits{Bytes: 1 << 20, Depth: 20}.Decode(trimmed)
		if err != nil {
			return nil, fmt.Errorf("the key begins as a JWKS does, and is none: %w", err)
		}
		return setKeys(v.(starlark.Mapping))
	case strings.HasPrefix(trimmed, "ssh-"), strings.HasPrefix(trimmed, "ecdsa-"), der(text),
		strings.HasPrefix(trimmed, "MII"): // PEM without its lines
		return nil, errors.New("the key is a public key: write it as PEM, or JWKS")
	}
	return secretKey(text, "")
}

// der reports whether a text is a public key or a certificate in DER.
func der(text string) bool {
	b := []byte(text)
	_, spki := x509.ParsePKIXPublicKey(b)
	_, pkcs1 := x509.ParsePKCS1PublicKey(b)
	_, cert := x509.ParseCertificate(b)
	return spki == nil || pkcs1 == nil || cert == nil
}

func secretKey(secret, id string) ([]verificationKey, error) {
	// RFC 7518, section 3.2: "a key of the same size as the hash output (for instance, 256 bits
	// for HS256) or larger MUST be used".
	if err := long(secret); err != nil {
		return nil, err
	}
	return []verificationKey{{hs256, id, []byte(secret)}}, nil
}

// pemKeys reads the keys of a PEM text.
func pemKeys(text string) ([]verificationKey, error) {
	var keys []verificationKey
	rest := []byte(text)
	for len(keys) < maxKeys {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		var public any
		var err error
		switch block.Type {
		case "PUBLIC KEY":
			public, err = x509.ParsePKIXPublicKey(block.Bytes)
		case "RSA PUBLIC KEY":
			public, err = x509.ParsePKCS1PublicKey(block.Bytes)
		case "CERTIFICATE":
			var cert *x509.Certificate
			if cert, err = x509.ParseCertificate(block.Bytes); err == nil {
				public = cert.PublicKey
			}
		default:
			return nil, fmt.Errorf("the key is PEM of a %s: want a PUBLIC KEY or a CERTIFICATE",
				block.Type)
		}
		if err != nil {
			return nil, fmt.Errorf("the key is PEM that cannot be read: %w", err)
		}
		key, err := publicKey(public, "")
		if err != nil {
			return nil, err
		}
		keys = append(keys, key)
	}
	if len(keys) == 0 {
		return nil, errors.New("the key begins as PEM does, and is none: are its line breaks there?")
	}
	return keys, nil
}

// publicKey is a key with its algorithm.
func publicKey(public any, id string) (verificationKey, error) {
	switch k := public.(type) {
	case *rsa.PublicKey:
		// RFC 7518, section 3.3: "A key of size 2048 bits or larger MUST be used".
		if n := k.N.BitLen(); n < 2048 || n > 8192 {
			return verificationKey{}, fmt.Errorf("the key of RSA has %d bits: 2048 to 8192", n)
		}
		if k.E < 3 || k.E&1 == 0 {
			return verificationKey{}, fmt.Errorf("the key of RSA has the exponent %d", k.E)
		}
		return verificationKey{rs256, id, k}, nil
	case *ecdsa.PublicKey:
		if k.Curve != elliptic.P256() {
			return verificationKey{}, fmt.Errorf("the key is of the curve %s: P-256, for ES256",
				k.Curve.Params().Name)
		}
		return verificationKey{es256, id, k}, nil
	}
	return verificationKey{}, fmt.Errorf("the key is a %T: one of RSA or P-256", public)
}

// setKeys reads a JWKS, or one JWK. Of a set it takes those keys that it can use, as RFC 7517,
// section 5, says.
func setKeys(dict starlark.Mapping) ([]verificationKey, error) {
	v, found, err := dict.Get(starlark.String("keys"))
	if err != nil {
		return nil, err
	}
	if !found {
		return jwkKeys(dict)
	}
	list, ok := v.(starlark.Indexable)
	if !ok || list.Len() > maxJWKS {
		return nil, fmt.Errorf(`"keys" of the JWKS is %s: want a list of at most %d`, v.Type(), maxJWKS)
	}
	var keys []verificationKey
	var unfit error
	for i := range list.Len() {
		jwk, ok := list.Index(i).(starlark.Mapping)
		if !ok {
			return nil, fmt.Errorf("key %d of the JWKS is %s: want a dict", i, list.Index(i).Type())
		}
		some, err := jwkKeys(jwk)
		if err != nil && unfit == nil {
			unfit = fmt.Errorf("key %d of the JWKS: %w", i, err)
		}
		keys = append(keys, some...)
	}
	if len(keys) == 0 {
		if unfit == nil {
			unfit = errors.New("the JWKS has no keys")
		}
		return nil, unfit
	}
	return keys, nil
}

// jwkKeys reads one JWK, RFC 7517 and RFC 7518, section 6.
func jwkKeys(jwk starlark.Mapping) ([]verificationKey, error) {
	field := func(name string) string {
		v, _, _ := jwk.Get(starlark.String(name)) // of what is no dict of strings nothing is found
		s, _ := v.(starlark.String)
		return string(s)
	}
	octets := func(name string) ([]byte, error) {
		b, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(field(name), "="))
		if err == nil && len(b) == 0 {
			err = errors.New("it is missing")
		}
		if err != nil {
			err = fmt.Errorf("%q of the JWK: %w", name, err)
		}
		return b, err
	}
	if use := field("use"); use != "" && use != "sig" {
		return nil, fmt.Errorf("the JWK is for %q, not for signatures", use)
	}
	var keys []verificationKey
	switch kty := field("kty"); kty {
	case "oct":
		secret, err := octets("k")
		if err != nil {
			return nil, err
		}
		if keys, err = secretKey(string(secret), field("kid")); err != nil {
			return nil, err
		}
	case "RSA":
		n, err := octets("n")
		if err != nil {
			return nil, err
		}
		e, err := octets("e")
		if err != nil {
			return nil, err
		}
		if len(e) > 4 || len(n) > 1024 {
			return nil, errors.New("the JWK of RSA is too large")
		}
		exponent := new(big.Int).SetBytes(e)
		key, err := publicKey(&rsa.PublicKey{N: new(big.Int).SetBytes(n), E: int(exponent.Int64())},
			field("kid"))
		if err != nil {
			return nil, err
		}
		keys = append(keys, key)
	case "EC":
		if crv := field("crv"); crv != "P-256" {
			return nil, fmt.Errorf("the JWK is of the curve %q: P-256, for ES256", crv)
		}
		x, err := octets("x")
		if err != nil {
			return nil, err
		}
		y, err := octets("y")
		if err != nil {
			return nil, err
		}
		point, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), slices.Concat([]byte{4}, x, y))
		if err != nil {
			return nil, fmt.Errorf("the JWK is no point of P-256: %w", err)
		}
		keys = append(keys, verificationKey{es256, field("kid"), point})
	default:
		return nil, fmt.Errorf("the JWK is of the kind %q: oct, RSA or EC", kty)
	}
	if alg := field("alg"); alg != "" && alg != keys[0].algorithm {
		return nil, fmt.Errorf("the JWK is for %q: HS256, RS256 or ES256", alg)
	}
	return keys, nil
}
