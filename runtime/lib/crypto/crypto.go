// Package crypto is the host module @crypto: random tokens, digests, passwords, and texts that go
// out and come back unchanged or not at all. [Module] describes it.
//
// All of it is made of what is known to hold: argon2id with the parameters of OWASP, HMAC,
// XChaCha20-Poly1305 with keys by HKDF, and golang-jwt for the tokens of others. No function lets
// its caller choose something that is known to break.
package crypto

import (
	"errors"
	"fmt"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// Module describes @crypto. What it makes is immutable.
func Module() *host.Module {
	return &host.Module{
		Name: "crypto",
		Doc:  "Tokens, digests, passwords, and texts that nobody can forge.",
		Members: []host.Member{
			equalMember(), hashPasswordMember(), hmacMember(), jwtMember(), openMember(),
			sealMember(), digestMember("sha256"), digestMember("sha384"), digestMember("sha512"),
			signMember(), tokenMember(), uuidMember(), uuid7Member(), verifyMember(),
			verifyPasswordMember(),
		},
		Whole: true,
	}
}

// A refusal is the error of a text that does not hold: nobody but a holder of the key made what a
// function accepts. The client sent it, so that it gets 400 if the script does not catch it.
type refusal struct {
	kind string
	msg  string
}

// The kinds of a refusal.
const (
	invalid = "invalid" // it was made with another key, or changed, or is no such text at all
	expired = "expired" // it was right once
)

var (
	_ host.Kinder   = (*refusal)(nil)
	_ host.Statuser = (*refusal)(nil)
)

func (r *refusal) Error() string   { return r.msg }
func (r *refusal) Kind() string    { return r.kind }
func (r *refusal) HTTPStatus() int { return 400 }

func refuse(kind, format string, args ...any) error {
	return &refusal{kind, fmt.Sprintf(format, args...)}
}

// otherwise returns what a function that refuses a text does: it fails, unless there is a default.
func otherwise(v starlark.Value, err error, other starlark.Value) (starlark.Value, error) {
	var r *refusal
	if other != nil && errors.As(err, &r) {
		return other, nil
	}
	return v, err
}

// defaultParam is the parameter of what may refuse a text.
func defaultParam(doc string) host.Param {
	return host.Param{Name: "default", Doc: doc, Type: "any", Optional: true, Pass: host.ByName}
}
