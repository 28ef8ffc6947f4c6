package push

import (
	"maps"
	"net/http"
	"slices"

	"github.com/larkspur-web/larkspur/environ/wire"
)

// hints are the 103s of a page.
type hints struct {
	sent   map[string]bool // elements of Link fields
	closed bool            // the page has begun, or ended
}

// add appends an element of a Link field to those of a 103, if none had it before.
func (h *hints) add(elements []string, element string) []string {
	if h.sent[element] {
		return elements
	}
	if h.sent == nil {
		h.sent = map[string]bool{}
	}
	h.sent[element] = true
	return append(elements, element)
}

// mayHint reports whether a 103 can go out now.
func (p *planner) mayHint() bool { return !p.hints.closed && p.policy.hints(p.request) }

// hints reports whether a 103 may go out for the request of a page.
func (p *Policy) hints(r *http.Request) bool {
	if p.NoHints {
		return false
	}
	// RFC 9110, section 15.2: none to an HTTP/1.0 client. RFC 8297, section 3: a client of HTTP/1.1
	// may take it for the response.
	return r.ProtoMajor >= 2 || p.HintHTTP1 && r.ProtoAtLeast(1, 1)
}

// mayHintFrom reports whether a 103 can go out now with what comes from source. The map does not
// hint to scripts that fetch a page: only where it is shown are its resources asked for.
func (p *planner) mayHintFrom(source Source) bool {
	return p.mayHint() && (source != FromMap || navigation(p.request))
}

// hintable reports whether a candidate that is not promised for this reason is to be in a 103.
func (p *planner) hintable(c *candidate, reason Reason) bool {
	if c.link.PushOnly || !p.mayHintFrom(c.source) {
		return false
	}
	switch c.source {
	case FromHint:
		// What the application wants to be hinted is, unless the client has no use for it.
		return reason != Invalid && reason != Self && reason != Diary
	case FromMap:
		return slices.Contains(mapHints[:], reason)
	case FromCall:
		return reason == Disabled && c.link.As != "" // without it, a browser fetches twice
	}
	return false
}

// mapHints are the reasons for which what the map names is hinted.
var mapHints = [...]Reason{Disabled, NoPush, Foreign, Conditional, Limit, Budget}

// sendHints sends a 103 with elements of Link fields and with the fields of header besides Link, if
// that is anything.
func (p *planner) sendHints(elements []string, header http.Header) {
	if !p.mayHint() {
		return
	}
	fields := hintable(header)
	delete(fields, "Link")
	if len(elements) > 0 {
		fields["Link"] = elements
	}
	sendInterim(p.writer.ResponseWriter, fields)
}

// hintable returns the fields of header that a 103 can have.
func hintable(header http.Header) http.Header {
	fields := make(http.Header)
	for name, values := range header {
		if len(values) > 0 && !(wire.Final | wire.HopByHop).Has(name) {
			fields[name] = values
		}
	}
	return fields
}

// sendInterim sends a 103 with these fields, if there are any.
func sendInterim(w http.ResponseWriter, fields http.Header) {
	if len(fields) == 0 {
		return
	}
	// net/http sends with an interim response what is in the header of the final one at the time.
	h := w.Header()
	final := maps.Clone(h)
	clear(h)
	maps.Copy(h, fields)
	w.WriteHeader(http.StatusEarlyHints)
	clear(h)
	maps.Copy(h, final)
}

// hintFields returns those of the fields that a handler has set up to now which are of use before
// the response.
func hintFields(h http.Header) http.Header {
	hints := make(http.Header)
	for _, name := range [...]string{
		"Link", "Content-Security-Policy", "Content-Security-Policy-Report-Only",
	} {
		if values := h[name]; len(values) > 0 {
			hints[name] = values
		}
	}
	return hints
}
