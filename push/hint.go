package push

import (
	"maps"
	"net/http"
	"slices"
)

// unhinted are fields that no 103 has: it speaks of the final response, it is not one, and a cookie that it set would be set even
// if the final response never came. RFC 8297, section 2.
var unhinted = []string{"Connection", "Content-Encoding", "Content-Length", "Content-Type", "Date", "Etag", "Keep-Alive", "Location",
	"Proxy-Connection", "Set-Cookie", "Trailer", "Transfer-Encoding", "Upgrade"}

// mayHint reports whether a 103 can go out now.
func (p *Plan) mayHint() bool {
	// RFC 9110, section 15.2: none to an HTTP/1.0 client. RFC 8297, section 3: a client of HTTP/1.1 may take it for the response.
	return !p.committed && !p.ended && !p.policy.NoHints &&
		(p.r.ProtoMajor >= 2 || p.policy.HintHTTP1 && p.r.ProtoAtLeast(1, 1))
}

// hints reports whether a candidate that is not promised, for this reason, is to be in a 103.
func (p *Plan) hints(c *candidate, reason Reason) bool {
	if c.link.PushOnly || !p.mayHint() {
		return false
	}
	switch c.source {
	case FromHint:
		// What an application wants to be hinted is hinted, unless the client has no use for it.
		return reason != Invalid && reason != Self && reason != Diary
	case FromMap:
		return navigation(p.r) && (reason == Disabled || reason == NoPush || reason == Foreign || reason == Conditional || reason == Limit || reason == Budget)
	case FromCall:
		return reason == Disabled && c.link.As != "" // without it, a browser fetches twice
	}
	return false
}

// hintOf adds the element of a link to those of a 103, if its verdict says so and none had it before.
func (p *Plan) hintOf(hints []string, v Verdict, l *Link) []string {
	if v.Status != Hinted || p.hinted[l.Text] {
		return hints
	}
	if p.hinted == nil {
		p.hinted = map[string]bool{}
	}
	p.hinted[l.Text] = true
	return append(hints, l.Text)
}

// Hint acts on fields that an application knows will be in its final response, at once: what its Link fields
// preload is promised where that can be done, and all the rest goes out as a 103. Fields that
// no 103 can have are left out.
func (p *Plan) Hint(header http.Header) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.committed || p.ended {
		return
	}
	p.begin()
	var hints []string
	links, whole := ParseLinks(header["Link"])
	for i := range links {
		hints = p.early(hints, FromHint, &links[i])
	}
	if !whole {
		p.add(Verdict{Source: FromHint, Status: Skipped, Reason: Limit, Detail: "there is more in the Link fields than is read"})
	}
	p.send(hints, header)
}

// early decides about a link that is known before the page, and adds it to hints if it is to be in the 103.
func (p *Plan) early(hints []string, source Source, l *Link) []string {
	if l.Is("preload") {
		n := len(p.verdicts)
		if v := p.decide(&candidate{source: source, link: *l}); len(p.verdicts) > n {
			hints = p.hintOf(hints, v, l)
		}
		return hints
	}
	if !p.mayHint() || source == FromMap && !navigation(p.r) || p.hinted[l.Text] || len(p.verdicts) >= maxVerdicts {
		return hints
	}
	return p.hintOf(hints, p.add(Verdict{Source: source, Target: l.Target, Status: Hinted, Detail: "rel=" + l.Rel}), l)
}

// send sends a 103 with links and with the fields of header besides Link, if that is anything. p.mu is held.
func (p *Plan) send(links []string, header http.Header) {
	if !p.mayHint() {
		return
	}
	fields := make(http.Header)
	for name, values := range header {
		if name != "Link" && len(values) > 0 && !slices.Contains(unhinted, name) {
			fields[name] = values
		}
	}
	if len(links) > 0 {
		fields["Link"] = links
	}
	if len(fields) == 0 {
		return
	}
	// The header map of the response is what an interim one has, too.
	h := p.w.Header()
	kept := maps.Clone(h)
	clear(h)
	maps.Copy(h, fields)
	p.w.ResponseWriter.WriteHeader(http.StatusEarlyHints)
	clear(h)
	maps.Copy(h, kept)
}
