// Package hop is how a front hands a request on to what answers it in another process, and how that
// says what is to be pushed: the part "Workers and upstreams" of environ/SPEC.md, in Go.
//
// # The model
//
// Between the two there is HTTP, so that anything which speaks it can stand on either side. What a
// front knows of a request, and a message that comes over another connection does not say, goes in
// fields whose names begin with Larkspur-: who the peer is, where the application is mounted, over
// which protocol the client speaks, whether it takes promises. [Facts] are these. The front takes
// all fields of such names out of what a client sends, so whoever receives one over a connection
// that only the front can write to may believe it.
//
// A [Sender] writes them, a [Receiver] reads them and makes the request again that the client made:
// what stands behind it need not know that there was a hop.
//
// The other way, a 103 (Early Hints) says what is to be promised or hinted, while the request is
// answered: package push reads and writes that.
package hop

import (
	"context"
	"crypto/tls"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// The fields of a request. Those that say nothing are left out.
const (
	client    = "Larkspur-Client"    // what is the same for all requests of a connection: see parameters
	id        = "Larkspur-Request"   // the id under which the request is logged
	page      = "Larkspur-Page"      // the target of the page for which the request may be promised
	target    = "Larkspur-Target"    // the request target as it came, if it is in the absolute form
	path      = "Larkspur-Path"      // the path, percent-encoded, if middleware has made it another one
	variables = "Larkspur-Variables" // more of the environ, as name=value&..., percent-encoded
)

// The parameters of client, as name=value&..., percent-encoded.
const (
	peer        = "peer"        // 192.0.2.1:4711, the client's end of its connection
	local       = "local"       // 192.0.2.7:443, the server's end; :443 if it has no address
	protocol    = "protocol"    // HTTP/1.1, what the client speaks
	accepts     = "accepts"     // promises, hints, or both with a comma: what can come to anything
	mount       = "mount"       // SCRIPT_NAME
	cipher      = "tls"         // 0304 1301 www.example.com: version and suite as TLS numbers them, SNI
	certificate = "certificate" // of the client: base64 of its DER
	verified    = "verified"    // yes, if the front has verified that it is of an authority it trusts
)

// prefix is what the names of all fields of a hop begin with, in canonical form.
const prefix = "Larkspur-"

// Facts are what the front knows of a request beside its message.
type Facts struct {
	Client
	ID     string
	Target string // as it came, "" if it is that of the message
	Path   string // decoded, "" if it is that of the target
	// Page is the target of the page for which the request may be promised, "" if a client sent it.
	Page      string
	Variables map[string]string
}

// A Client is what the requests of a connection to a mount have in common.
type Client struct {
	Peer     string         // address and port of the client, "" if it has none
	Local    netip.AddrPort // of the server's end of the client's connection; may have a port only
	Protocol string         // of the client: HTTP/1.1
	TLS      *tls.ConnectionState
	Mount    string // SCRIPT_NAME, decoded
	// Promises says that the client takes promises for a page, Hints that a 103 can go out to it.
	Promises, Hints bool
}

type factsKey struct{}

// From returns the facts of a request that came by [Receive], nil for any other.
func From(ctx context.Context) *Facts {
	f, _ := ctx.Value(factsKey{}).(*Facts)
	return f
}

// ID is the id of a request, as the front has said it, before or after [Receive]; "" if it has not.
func ID(r *http.Request) string {
	if f := From(r.Context()); f != nil {
		return f.ID
	}
	return r.Header.Get(id)
}

// Strip takes the fields of a hop out of h, which a client has no business to send. It returns h
// itself if there are none, else a copy without.
func Strip(h http.Header) http.Header {
	for name := range h {
		if strings.HasPrefix(name, prefix) {
			return stripped(h)
		}
	}
	return h
}

func stripped(h http.Header) http.Header {
	rest := make(http.Header, len(h))
	for name, values := range h {
		if !strings.HasPrefix(name, prefix) {
			rest[name] = values
		}
	}
	return rest
}

// escape encodes what a field value could not have in it.
func escape(s string) string { return (&url.URL{Path: s}).EscapedPath() }
