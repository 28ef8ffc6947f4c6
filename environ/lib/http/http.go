// Package http is the host module @http: what an application most often wants of its environ,
// done in Go. [Module] describes it.
//
// All functions work on any dict that follows the contract, also when middleware has put another
// wsgi.input in its place. A body is read once; its outcome is kept in the environ under
// larkspur.form, so that middleware and application both see it. What a client sends is bounded
// (1,000 keys, 1 MiB of fields, 100 files, 32 MiB of files, of which 1 MiB is held in memory and
// the rest in one temporary file) and bad input is an [environ.Error], which the client sees as
// 400, 413 or 415 if the application does not catch it.
package http

import (
	"net/http"

	"github.com/larkspur-web/larkspur/environ"
	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// The bounds of what a client can make a function hold.
const (
	maxKeys   = 1000     // of a query, a form, the cookies, or one JSON object
	maxFields = 1 << 20  // bytes of a form without its files
	maxFiles  = 100      // in a form
	maxUpload = 32 << 20 // bytes of the files of a form, where the application does not say
	maxMemory = 1 << 20  // of these in memory
	maxDisk   = 1 << 30  // bytes of the files of all requests on disk
	maxJSON   = 10 << 20 // bytes
)

// Module describes @http. What it makes is immutable. What is uploaded to all programs that have it
// shares a bound of 1 GiB on disk, in the directory for temporary files.
func Module() *host.Module {
	d := &disk{left: maxDisk}
	return &host.Module{
		Name: "http",
		Doc:  "What a client sent, and what to answer with.",
		Members: []host.Member{
			queryMember(), formMember(d), filesMember(d), cookiesMember(), jsonMember(d),
			setCookieMember(), urlMember(), statusMember(), inputMember(), acceptsMember(),
			languagesMember(), basicAuthMember(), bearerMember(), clientIPMember(),
			notModifiedMember(), abortMember(), preloadMember(),
		},
		Whole:  true,
		Types:  []*host.Type{valuesType, fileType},
		Misuse: environ.Misuse,
	}
}

// environParam is the parameter of what reads an environ.
func environParam() host.Param {
	return host.Param{Name: "environ", Doc: "the environ of the request", Type: "dict"}
}

// unpackEnviron unpacks an environ as the one argument.
func unpackEnviron(a host.Args) (env starlark.HasSetKey, err error) {
	err = a.Unpack(&env)
	return env, err
}

// failures are those of functions that read what a client sent, and more.
func failures(more ...host.Failure) []host.Failure {
	return append([]host.Failure{
		{
			Code: string(environ.CodeMalformed),
			When: "it is malformed; uncaught, the client gets 400",
		},
		{
			Code: string(environ.CodeTooMany),
			When: "it is more than the module takes; uncaught, the client gets 413",
		},
	}, more...)
}

// text returns a variable of env, "" if it is absent.
func text(env starlark.HasSetKey, key string) (string, error) {
	v, ok, err := env.Get(starlark.String(key))
	if err != nil || !ok {
		return "", err
	}
	s, ok := v.(starlark.String)
	if !ok {
		return "", environ.Errorf(
			environ.CodeWebUse, "", "environ[%q] is a %s, not a string", key, v.Type(),
		)
	}
	return string(s), nil
}

func malformed(format string, args ...any) error {
	e := environ.Errorf(environ.CodeMalformed, "", format, args...)
	e.Status, e.Told = http.StatusBadRequest, true
	return e
}

func tooMany(format string, args ...any) error {
	e := environ.Errorf(environ.CodeTooMany, "", format, args...)
	e.Status, e.Told = http.StatusRequestEntityTooLarge, true
	return e
}
