package mail

import (
	"fmt"
	"net/http"

	"github.com/larkspur-web/larkspur/runtime/host"
)

// The kinds of failures, as scripts see them.
const (
	refused   = "refused"
	invalid   = "invalid"
	excessive = "limit"
	unreached = "connect"
	unsafe    = "tls"
	unknown   = "auth"
	rejected  = "rejected"
	timedOut  = "timeout"
	broken    = "protocol"
)

// A failure is the error of a mail that was not sent. It wraps nothing: what package net says of its
// own errors, a time-out say, would be taken for something about the call.
type failure struct{ kind, msg string }

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
	case refused, invalid, excessive:
		return http.StatusInternalServerError
	case timedOut:
		return http.StatusGatewayTimeout
	}
	return http.StatusBadGateway
}
