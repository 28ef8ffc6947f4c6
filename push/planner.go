package push

import (
	"hash/maphash"
	"net/http"
	"slices"
	"time"
)

// A planner does the work of a Plan, whose lock guards it. Each of its parts owns what it says.
type planner struct {
	page
	decisions []decision    // at most maxDecisions
	waited    time.Duration // for answers
	runs      int           // to get them
	delivery  delivery
	hints     hints
	entry     pageEntry
	cookie    *cookie // of the client; nil until it is read
}

// push decides about an explicit call.
func (p *planner) push(c *candidate) Verdict {
	if c.link.As == "" {
		c.link.As = destination(c.link.Target)
	}
	v, first := p.decide(c)
	if first && v.Status == Hinted {
		element := "<" + v.Target + ">; rel=preload; as=" + c.link.As
		if c.link.As == "font" {
			element += "; crossorigin" // or it is fetched twice: fonts are fetched in CORS mode
		}
		p.sendHints(p.hints.add(nil, element), nil)
	}
	return v
}

// early decides about links that are known before the page, and sends one 103 with those that are
// to be hinted and with the fields of header besides Link.
func (p *planner) early(source Source, links []Link, header http.Header) {
	var elements []string
	for i := range links {
		l := &links[i]
		switch {
		case l.call && source == FromHint:
			p.push(l.candidate())
		case p.hinted(source, l):
			elements = p.hints.add(elements, l.Text)
		}
	}
	p.sendHints(elements, header)
}

// hinted decides about a link, and reports whether it is to be in the 103.
func (p *planner) hinted(source Source, l *Link) bool {
	if l.Is("preload") {
		v, first := p.decide(&candidate{source: source, link: *l})
		return first && v.Status == Hinted
	}
	if p.hints.sent[l.Text] || !p.mayHintFrom(source) || len(p.decisions) == maxDecisions {
		return false
	}
	p.record(decision{verdict: Verdict{
		Source: source, Target: l.Target, Status: Hinted, Detail: "rel=" + l.Rel,
	}})
	return true
}

// commit acts on the final response: see [Plan.commit].
func (p *planner) commit(status int, header http.Header) *maphash.Hash {
	p.hints.closed = true
	if len(header["Link"]) > 0 {
		p.links(status, header)
	}
	now := time.Now()
	p.setCookie(status, header, now)
	p.enter(status, header, now)
	p.policy.Recorder.observe(&p.page, status, header, now)
	return p.entry.sum
}

// links decides about the Link fields of the final response. Early promises go out one by one,
// while the next is being verified. Here the page is ready and comes first, so that they go out
// together when nothing is left to wait for.
func (p *planner) links(status int, header http.Header) {
	links, whole := ParseLinks(header["Link"])
	hidden := false
	first := len(p.decisions)
	p.decisions = slices.Grow(p.decisions, len(links))
	p.delivery.deferring = true
	if p.promiser != nil {
		p.delivery.deferred = make([]deferred, 0, min(len(links), p.policy.maxPromises()))
	}
	for i := range links {
		l := &links[i]
		if !l.Is("preload") {
			continue
		}
		hidden = hidden || l.PushOnly
		p.decide(&candidate{source: FromLink, link: *l, status: status})
	}
	p.sendDeferred(first)
	if !whole {
		p.overflow(FromLink)
	}
	if hidden {
		hidePushOnly(header)
	}
}

// overflow notes that there were more links than are read.
func (p *planner) overflow(source Source) {
	p.record(decision{verdict: Verdict{Source: source, Status: Skipped, Reason: Limit,
		Detail: "there is more in the Link fields than is read"}})
}

func (p *planner) end(whole bool) {
	p.hints.closed = true
	p.drop()
	if whole && p.request.Context().Err() == nil {
		p.arrive()
	}
}
