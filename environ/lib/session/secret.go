package session

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"sync"

	"go.starlark.net/starlark"
)

// MinSecret is how many bytes a secret has at least.
const MinSecret = 32

// maxSecrets is how many there may be: each is tried for a cookie that is forged.
const maxSecrets = 16

// MakeSecret returns a new secret.
func MakeSecret() string {
	b := make([]byte, 32)
	_, _ = rand.Read(b) // it never fails
	return base64.RawURLEncoding.EncodeToString(b)
}

// Random returns a Keeper of a secret that ends with the process, for what serves nobody: tests,
// checks.
func Random() Keeper { return &random{secret: sync.OnceValue(MakeSecret)} }

type random struct{ secret func() string }

func (r *random) Secrets() ([]string, error) { return []string{r.secret()}, nil }

// Check returns an error if the secrets are none to encrypt by.
func Check(secrets []string) error {
	if len(secrets) == 0 {
		return fmt.Errorf("there is no secret in the list: the first one encrypts")
	}
	if len(secrets) > maxSecrets {
		return fmt.Errorf("there are %d secrets, and %d at most", len(secrets), maxSecrets)
	}
	for _, s := range secrets {
		if len(s) < MinSecret {
			return fmt.Errorf("a secret has %d characters or more, this one has %d: "+
				"head -c 32 /dev/urandom | base64 prints one", MinSecret, len(s))
		}
	}
	return nil
}

// keysOf returns the keys of what a script passes as secret, or else of what the keeper has.
func keysOf(v starlark.Value, keeper any) ([]*key, error) {
	secrets, err := secretsOf(v, keeper)
	if err != nil {
		return nil, err
	}
	if err := Check(secrets); err != nil {
		return nil, wrong("", "%v", err)
	}
	var keys []*key
	for _, s := range secrets {
		k, err := newKey(s)
		if err != nil {
			return nil, err
		}
		keys = append(keys, k)
	}
	return keys, nil
}

func secretsOf(v starlark.Value, keeper any) ([]string, error) {
	switch v := v.(type) {
	case starlark.NoneType:
		k, ok := keeper.(Keeper)
		if !ok {
			return nil, wrong("", "%v", errNoKeeper)
		}
		secrets, err := k.Secrets()
		if err != nil {
			return nil, wrong("", "%v", err)
		}
		return secrets, nil
	case starlark.String:
		return []string{string(v)}, nil
	case starlark.Iterable:
		var all []string
		for e := range starlark.Elements(v) {
			s, ok := starlark.AsString(e)
			if !ok {
				return nil, wrong("", "secret has %s, not a string", e.Type())
			}
			all = append(all, s)
			if len(all) > maxSecrets {
				break // Check says it
			}
		}
		return all, nil
	}
	return nil, wrong("", "secret is %s, not a string, a list of strings or None", v.Type())
}
