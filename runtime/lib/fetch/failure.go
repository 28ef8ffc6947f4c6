package fetch

import (
	"fmt"
	"net/http"

	"github.com/larkspur-web/larkspur/runtime/host"
)

// The kinds of failures, as scripts see them.
const (
	refused   = "refused"  // it may not be fetched
	timedOut  = "timeout"  // it took too long
	unknown   = "dns"      // the host has no address
	unreached = "connect"  // nobody answered at the address
	unsafe    = "tls"      // who answered is not who was meant
	oversized = "size"     // there was more than was asked for
	misled    = "redirect" // it led nowhere
	broken    = "protocol" // it was no HTTP
)

// A failure is the error of a request. It wraps nothing: what package net says of its own errors, a
// time-out say, would be taken for something about the call.
type failure struct {
	kind string
	msg  string
}

var (
	_ host.Kinder   = (*failure)(nil)
	_ host.Statuser = (*failure)(nil)
)

func failed(kind, format string, args ...any) *failure {
	return &failure{kind, fmt.Sprintf(format, args...)}
}

func (f *failure) Error() string { return f.msg }

// Kind is [host.Kinder]'s.
func (f *failure) Kind() string { return f.kind }

// HTTPStatus is [host.Statuser]'s: an application that does not catch it is a gateway that failed.
func (f *failure) HTTPStatus() int {
	switch f.kind {
	case refused:
		return http.StatusInternalServerError // a fault of whoever wrote or runs the application
	case timedOut:
		return http.StatusGatewayTimeout
	}
	return http.StatusBadGateway
}

// of returns the failure with what was asked before it, if that is known.
func (f *failure) of(what string) *failure {
	if what == "" {
		return f
	}
	return &failure{f.kind, what + ": " + f.msg}
}
