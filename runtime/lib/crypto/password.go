package crypto

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"runtime"
	"strings"

	"github.com/larkspur-web/larkspur/runtime/host"
	"golang.org/x/crypto/argon2"
)

// The parameters of hash_password: OWASP's Password Storage Cheat Sheet, argon2id with 19 MiB.
const (
	passes    = 2
	memory    = 19 << 10 // KiB
	lanes     = 1
	saltBytes = 16
	keyBytes  = 32
)

// maxPassword is how many bytes a password may have.
const maxPassword = 4096

// hashing bounds how many passwords the process hashes at once, because each takes a processor and
// 19 MiB or more. It is of the process, as its memory is.
var hashing = make(chan struct{}, min(4, runtime.NumCPU()))

// errPHC is the error of a hash that hash_password did not write.
var errPHC = errors.New("the hash is none of argon2id: write $argon2id$v=19$m=...,t=...,p=...$" +
	"SALT$KEY, as hash_password does")

// A derived is a hash of a password with all that it was made by.
type derived struct {
	passes, memory uint32
	lanes          uint8
	salt, key      []byte
}

func hashPasswordMember() host.Member {
	return host.Member{
		Name: "hash_password",
		Doc: "Hashes a password, for a database: by argon2id with 19 MiB, 2 passes and a salt of " +
			"its own. It takes some 30 ms; a few run at once, and others wait for them.",
		Params: []host.Param{{Name: "password", Doc: "what the user typed, up to 4,096 bytes"}},
		Result: "a string of 97 characters, which has all that verify_password needs",
		Errors: []host.Failure{{
			When: "the password is empty or longer than 4,096 bytes; uncaught, the client gets 400",
		}},
		Example: `hash_password("correct horse")[:31]  # "$argon2id$v=19$m=19456,t=2,p=1$"`,
		Fn: func(call host.Call, password string) (string, error) {
			switch {
			case password == "":
				return "", refuse(invalid, "the password is empty")
			case len(password) > maxPassword:
				return "", refuse(invalid, "the password is longer than %d bytes", maxPassword)
			}
			d := derived{passes: passes, memory: memory, lanes: lanes, salt: make([]byte, saltBytes)}
			rand.Read(d.salt) // never fails
			err := d.derive(call, password, keyBytes)
			return d.String(), err
		},
	}
}

func verifyPasswordMember() host.Member {
	return host.Member{
		Name: "verify_password",
		Doc: "Reports whether a password is the one that was hashed. It takes as long as " +
			"hash_password. Where there is no such user, verify against the hash of any password: " +
			"else the time tells which users there are.",
		Params: []host.Param{
			{Name: "password", Doc: "what the user typed"},
			{
				Name: "hash",
				Doc: "what hash_password returned, or another library's argon2id in the PHC " +
					"format, of at most 256 MiB, 16 passes and 16 lanes",
			},
		},
		Result: "a bool",
		Errors: []host.Failure{{
			When: "the hash is none of argon2id, or would take too much memory or time",
		}},
		Example: `hash = hash_password("correct horse")
verify_password("correct horse", hash)  # True
verify_password("battery staple", hash)  # False
verify_password("x", "plain")  # error: the hash is none of argon2id`,
		Fn: func(call host.Call, password, hash string) (bool, error) {
			want, err := parsePHC(hash)
			if err != nil {
				return false, err
			}
			if password == "" || len(password) > maxPassword {
				return false, nil
			}
			have := *want
			if err := have.derive(call, password, uint32(len(want.key))); err != nil {
				return false, err
			}
			return subtle.ConstantTimeCompare(have.key, want.key) == 1, nil
		},
	}
}

// derive sets the key to that of the password.
func (d *derived) derive(call host.Call, password string, length uint32) error {
	return call.Wait(func(ctx context.Context) error {
		select {
		case hashing <- struct{}{}:
		case <-ctx.Done():
			return ctx.Err()
		}
		defer func() { <-hashing }()
		d.key = argon2.IDKey([]byte(password), d.salt, d.passes, d.memory, d.lanes, length)
		return ctx.Err()
	})
}

// String is the PHC format: github.com/P-H-C/phc-string-format.
func (d *derived) String() string {
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, d.memory, d.passes,
		d.lanes, base64.RawStdEncoding.EncodeToString(d.salt),
		base64.RawStdEncoding.EncodeToString(d.key))
}

// parsePHC reads a hash, and refuses one that would take too much: who can write to the database
// must not be able to stop the process.
func parsePHC(text string) (*derived, error) {
	parts := strings.Split(text, "$")
	if len(text) > 512 || len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" {
		return nil, errPHC
	}
	if parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return nil, fmt.Errorf("the hash is of another version of argon2 than %d", argon2.Version)
	}
	d := new(derived)
	_, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &d.memory, &d.passes, &d.lanes)
	if err != nil || parts[3] != fmt.Sprintf("m=%d,t=%d,p=%d", d.memory, d.passes, d.lanes) {
		return nil, errPHC
	}
	strict := base64.RawStdEncoding.Strict()
	if d.salt, err = strict.DecodeString(parts[4]); err != nil {
		return nil, errPHC
	}
	if d.key, err = strict.DecodeString(parts[5]); err != nil {
		return nil, errPHC
	}
	const most = 256 << 10 // KiB
	switch {
	// RFC 9106, section 3.1: at least one pass and one lane, and 8 KiB for each lane.
	case d.lanes < 1 || d.lanes > 16 || d.passes < 1 || d.passes > 16 ||
		d.memory < 8*uint32(d.lanes) || d.memory > most || uint64(d.memory)*uint64(d.passes) > 4*most:
		return nil, fmt.Errorf("the hash asks for %d KiB, %d passes and %d lanes: up to %d KiB, 16 "+
			"passes and 16 lanes are done, and %d KiB in all passes", d.memory, d.passes, d.lanes,
			most, 4*most)
	case len(d.salt) < 8 || len(d.salt) > 64 || len(d.key) < 16 || len(d.key) > 64:
		return nil, fmt.Errorf("the hash has a salt of %d bytes and a key of %d: 8 to 64, and 16 to "+
			"64", len(d.salt), len(d.key))
	}
	return d, nil
}
