package push

import (
	"net/http"
	"net/textproto"
	"slices"
	"strings"

	"github.com/larkspur-web/larkspur/environ/wire"
)

// copied are the fields of a page's request that a promised one has too: what chooses among
// variants, and nothing that says who asks, or on which condition.
var copied = [...]string{"Accept", "Accept-Encoding", "Accept-Language", "User-Agent"}

// unpromised are the fields that no promised request has, even where the caller gives them: those
// that identify or condition, that speak of a body or of the connection, and the plan's own.
// Besides them it has no Content-Type. RFC 9113, sections 8.2.2 and 8.4.
const unpromised = wire.Personal | wire.Connection | wire.Framing

// selects reports whether a field of a request can choose among the representations of a resource:
// whether who reads all fields may have made something from it. What belongs to the connection
// cannot, nor what says how a message is framed, sent, cached or traced, nor what is about pushes
// (RFC 9218, section 5; draft-ruellan-http-accept-push-policy), nor what speaks of the page and is
// other in the request for its resource (Fetch Metadata; Upgrade-Insecure-Requests).
func selects(name string) bool {
	switch name {
	case "Accept-Push-Policy", "Priority",
		"Cache-Control", "Content-Type", "Max-Forwards", "Pragma",
		"Traceparent", "Tracestate",
		"Purpose", "Sec-Fetch-Dest", "Sec-Fetch-Mode", "Sec-Fetch-Site", "Sec-Fetch-User",
		"Sec-Purpose", "Upgrade-Insecure-Requests":
		return false
	}
	return !(wire.HopByHop | wire.Connection | wire.Framing).Has(name)
}

// promisedHeader returns the fields of a promised request. faulty is the name of a field of extra
// that none can have.
func promisedHeader(page, extra http.Header) (h http.Header, faulty string) {
	h = make(http.Header, len(copied)+len(extra))
	for _, name := range copied {
		if values := page[name]; len(values) > 0 {
			h[name] = slices.Clip(values)
		}
	}
	for name, values := range extra {
		canonical := textproto.CanonicalMIMEHeaderKey(name)
		if !wire.Token(name) || unpromised.Has(name) || canonical == "Content-Type" {
			return nil, name
		}
		for _, v := range values {
			if !wire.Value(v) {
				return nil, name
			}
		}
		h[canonical] = slices.Clone(values)
	}
	return h, ""
}

// promisedMethod reads the request field Accept-Push-Policy: it returns the method of the requests
// to promise, "" if there are to be none. draft-ruellan-http-accept-push-policy, section 4.
func promisedMethod(h http.Header) (method string) {
	values := h["Accept-Push-Policy"]
	if len(values) == 0 {
		return http.MethodGet
	}
	value, _, _ := strings.Cut(values[0], ";")
	switch strings.ToLower(strings.TrimSpace(value)) {
	case "none":
		return ""
	case "head":
		return http.MethodHead
	}
	return http.MethodGet // default, fast-load, and what we do not know
}

// navigation reports whether r is, as far as can be known, for a page that a user goes to.
func navigation(r *http.Request) bool {
	mode := r.Header.Get("Sec-Fetch-Mode")
	return mode == "" || mode == "navigate"
}
