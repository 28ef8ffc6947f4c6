package crypto

import (
	"crypto/hkdf"
	"crypto/sha256"
	"fmt"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// minKey is how many characters a secret has at least.
const minKey = 32

// maxKeys is how many keys may be tried one after the other.
const maxKeys = 10

// keyParam is the secret of what is sealed or signed.
func keyParam(name string) host.Param {
	return host.Param{
		Name: name,
		Doc: "the secret, of at least 32 characters, as token() makes one; or a list of them: the " +
			"first is for new texts, and old texts may have been made with any, so that keys can " +
			"be changed",
		Type: "string, bytes or list",
	}
}

// purposeParam keeps apart what the same key is used for.
func purposeParam() host.Param {
	return host.Param{
		Name: "purpose",
		Doc: "what the text is for, as \"reset password\": one that was made for something else " +
			"is refused",
		Type:    "string",
		Default: starlark.String(""),
		Pass:    host.ByName,
	}
}

// secrets returns the keys that a script gave.
func secrets(v starlark.Value) ([]string, error) {
	if key, ok := host.Octets(v); ok {
		return []string{key}, long(key)
	}
	list, ok := v.(starlark.Indexable)
	if !ok {
		return nil, fmt.Errorf("the key is %s: want a string, bytes or a list of them", v.Type())
	}
	if n := list.Len(); n == 0 || n > maxKeys {
		return nil, fmt.Errorf("there are %d keys: from 1 to %d", n, maxKeys)
	}
	keys := make([]string, list.Len())
	for i := range keys {
		if keys[i], ok = host.Octets(list.Index(i)); !ok {
			return nil, fmt.Errorf("key %d is %s: want a string or bytes", i, list.Index(i).Type())
		}
		if err := long(keys[i]); err != nil {
			return nil, err
		}
	}
	return keys, nil
}

// long reports an error for a key that might be guessed.
func long(key string) error {
	if len(key) < minKey {
		return fmt.Errorf("the key has %d characters: at least %d, as token() makes one",
			len(key), minKey)
	}
	return nil
}

// derive makes the key of one use of a secret (RFC 5869).
func derive(secret, use, purpose string) []byte {
	key, err := hkdf.Key(sha256.New, []byte(secret), nil, "larkspur "+use+"\x00"+purpose, 32)
	if err != nil {
		panic(err) // only of a length that is none
	}
	return key
}
