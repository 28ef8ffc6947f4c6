package fetch

import "github.com/larkspur-web/larkspur/runtime/host"

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

// failed is the error of a request.
func failed(kind, format string, args ...any) *host.Outage {
	return host.NewOutage(kind, format, args...)
}
