package crypto

import (
	"crypto/rand"
	"encoding/base64"

	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/runtime/host/json"
	"go.starlark.net/starlark"
	"golang.org/x/crypto/chacha20poly1305"
)

// maxText is how long a text may be that is opened or verified, in bytes.
const maxText = 2 << 20

// valueLimits bound what is sealed or signed.
var valueLimits = json.Limits{Bytes: 1 << 20, Depth: 100}

// valueParam is what is sealed or signed.
func valueParam() host.Param {
	return host.Param{
		Name: "value",
		Doc: "what has a JSON of up to 1 MiB: None, bools, numbers, strings, lists and dicts of " +
			"them; a tuple comes back as a list",
		Type: "any",
	}
}

func sealMember() host.Member {
	return host.Member{
		Name: "seal",
		Doc: "Encrypts a value, so that only a holder of the key can read it or make another: by " +
			"XChaCha20-Poly1305, with a key that HKDF makes of the secret.",
		Params: []host.Param{keyParam("key"), valueParam(), purposeParam()},
		Result: "a string of letters, digits, - and _, different each time",
		Errors: []host.Failure{
			{When: "the key is shorter than 32 characters"},
			{When: "the value has no JSON, or too long a one"},
		},
		Example: `key = token()
open(key, seal(key, {"user": 7}))  # {"user": 7}
seal("short", 1)  # error: the key has 5 characters: at least 32`,
		Fn: func(key, value starlark.Value, purpose string) (string, error) {
			keys, err := secrets(key)
			if err != nil {
				return "", err
			}
			text, err := valueLimits.Encode(value)
			if err != nil {
				return "", err
			}
			aead, err := chacha20poly1305.NewX(derive(keys[0], "seal", purpose))
			if err != nil {
				return "", err
			}
			box := make([]byte, aead.NonceSize(), aead.NonceSize()+len(text)+aead.Overhead())
			rand.Read(box) // never fails; 24 random bytes do not come again
			box = aead.Seal(box, box, []byte(text), nil)
			return base64.RawURLEncoding.EncodeToString(box), nil
		},
	}
}

func openMember() host.Member {
	return host.Member{
		Name: "open",
		Doc:  "Returns the value that seal encrypted with the same key and purpose.",
		Params: []host.Param{
			keyParam("key"),
			{Name: "sealed", Doc: "what seal returned"},
			purposeParam(),
			defaultParam("what is returned if the text is not one that seal made with the key"),
		},
		Result: "the value",
		Errors: []host.Failure{
			{When: "the key is shorter than 32 characters"},
			{
				When: "seal did not make the text with this key, and there is no default: the " +
					"error's kind is \"invalid\"; uncaught, the client gets 400",
			},
		},
		Example: `open(token(), "forged")  # error: the text was not sealed with this key
open(token(), "forged", default = {})  # {}`,
		Fn: func(
			key starlark.Value, sealed, purpose string, other starlark.Value,
		) (starlark.Value, error) {
			keys, err := secrets(key)
			if err != nil {
				return nil, err
			}
			v, err := unseal(keys, sealed, purpose)
			return otherwise(v, err, other)
		},
	}
}

func unseal(keys []string, sealed, purpose string) (starlark.Value, error) {
	if len(sealed) <= maxText {
		box, err := base64.RawURLEncoding.Strict().DecodeString(sealed)
		if err != nil {
			box = nil
		}
		for _, key := range keys {
			aead, err := chacha20poly1305.NewX(derive(key, "seal", purpose))
			if err != nil || len(box) < aead.NonceSize() {
				break
			}
			nonce, text := box[:aead.NonceSize()], box[aead.NonceSize():]
			if plain, err := aead.Open(nil, nonce, text, nil); err == nil {
				return valueLimits.Decode(string(plain))
			}
		}
	}
	return nil, refuse(invalid, "the text was not sealed with this key, or for something else")
}
