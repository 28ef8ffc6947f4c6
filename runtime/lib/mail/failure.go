package mail

import "github.com/larkspur-web/larkspur/runtime/host"

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

// failed is the error of a mail that was not sent.
func failed(kind, format string, args ...any) *host.Outage {
	return host.NewOutage(kind, format, args...)
}
