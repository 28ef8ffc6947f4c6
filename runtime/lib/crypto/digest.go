package crypto

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"hash"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// hashes are the functions that a script may name. SHA-1 is there for HMAC only, which it does not
// weaken (RFC 6194, section 3.3), because services sign their calls with it.
var hashes = map[string]func() hash.Hash{
	"sha1": sha1.New, "sha256": sha256.New, "sha384": sha512.New384, "sha512": sha512.New,
}

// encodingParam is how a digest is written.
func encodingParam() host.Param {
	return host.Param{
		Name:    "encoding",
		Doc:     `how the digest is written: "hex", "base64", "base64url" or "bytes"`,
		Type:    "string",
		Default: starlark.String("hex"),
		Pass:    host.ByName,
	}
}

// encoded writes a digest.
func encoded(sum []byte, encoding string) (starlark.Value, error) {
	switch encoding {
	case "hex":
		return starlark.String(hex.EncodeToString(sum)), nil
	case "base64":
		return starlark.String(base64.StdEncoding.EncodeToString(sum)), nil
	case "base64url":
		return starlark.String(base64.RawURLEncoding.EncodeToString(sum)), nil
	case "bytes":
		return starlark.Bytes(sum), nil
	}
	return nil, fmt.Errorf("encoding %q: hex, base64, base64url or bytes", encoding)
}

// examples are the digests of "abc", FIPS 180-4.
var examples = map[string]string{
	"sha256": `sha256("abc")  # ` +
		`"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"` + "\n" +
		`sha256(b"abc", encoding = "base64")  # "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0="`,
	"sha384": `sha384("abc")[:16]  # "cb00753f45a35e8b"`,
	"sha512": `sha512("abc")[:16]  # "ddaf35a193617aba"`,
}

func digestMember(name string) host.Member {
	return host.Member{
		Name: name,
		Doc: "Returns the digest of data by SHA-" + name[3:] + ", in hexadecimal. For a password " +
			"there is hash_password, and for what a key is to vouch for, hmac.",
		Params: []host.Param{
			{Name: "data", Doc: "what is digested, a string or bytes"},
			encodingParam(),
		},
		Result:  `a string, or bytes for encoding = "bytes"`,
		Errors:  []host.Failure{{When: "there is no such encoding"}},
		Example: examples[name],
		Pure:    true,
		Fn: func(data []byte, encoding string) (starlark.Value, error) {
			h := hashes[name]()
			h.Write(data)
			return encoded(h.Sum(nil), encoding)
		},
	}
}

func hmacMember() host.Member {
	return host.Member{
		Name: "hmac",
		Doc: "Returns the code by which whoever has the key knows a message (RFC 2104), in " +
			"hexadecimal. Compare it with that of a request by equal, not by ==.",
		Params: []host.Param{
			{Name: "key", Doc: "the secret, a string or bytes"},
			{Name: "message", Doc: "what is signed, a string or bytes"},
			{
				Name: "hash", Doc: `"sha256", "sha384", "sha512", or "sha1" for what others sign so`,
				Default: starlark.String("sha256"),
			},
			encodingParam(),
		},
		Result: `a string, or bytes for encoding = "bytes"`,
		Errors: []host.Failure{{When: "the key is empty, or there is no such hash or encoding"}},
		Example: `hmac("Jefe", "what do ya want for nothing?")[:16]  # "5bdcc146bf60754e"
equal(hmac("key", "message", encoding = "bytes"), b"forged")  # False`,
		Pure: true,
		Fn: func(key, message []byte, name, encoding string) (starlark.Value, error) {
			h := hashes[name]
			switch {
			case h == nil:
				return nil, fmt.Errorf("hash %q: sha256, sha384, sha512 or sha1", name)
			case len(key) == 0:
				return nil, fmt.Errorf("the key is empty")
			}
			mac := hmac.New(h, key)
			mac.Write(message)
			return encoded(mac.Sum(nil), encoding)
		},
	}
}

func equalMember() host.Member {
	return host.Member{
		Name: "equal",
		Doc: "Reports whether two secrets are the same. It takes as long whatever they have in " +
			"common, so that nobody can guess one byte after the other; what it may tell is that " +
			"their lengths differ.",
		Params: []host.Param{
			{Name: "a", Doc: "one, a string or bytes"},
			{Name: "b", Doc: "the other, a string or bytes"},
		},
		Result:  "a bool",
		Example: "equal(\"secret\", \"secret\")  # True\nequal(\"secret\", b\"secre\")  # False",
		Pure:    true,
		Fn:      func(a, b []byte) bool { return subtle.ConstantTimeCompare(a, b) == 1 },
	}
}
