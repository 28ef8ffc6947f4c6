package push

import (
	"net/http"
	"time"
)

// A candidate is a resource about which a planner decides.
type candidate struct {
	source Source
	link   Link // as it was read, or as a call would have it
	header http.Header
	method string // empty means GET
	status int    // of the final response; 0 before that
}

// A refusal is why a candidate is not promised. The zero value refuses nothing.
type refusal struct {
	reason Reason
	detail string
}

func (r refusal) refused() bool { return r.reason != "" }

// skipped returns the verdict of a candidate about which nothing is decided.
func (c *candidate) skipped(no refusal) Verdict {
	return Verdict{
		Source: c.source, Target: c.link.Target, Critical: c.link.Critical,
		Status: Skipped, Reason: no.reason, Detail: no.detail,
	}
}

// A decision is a candidate that has its verdict.
type decision struct {
	candidateKey      // zero for what is no candidate
	linkOnly     bool // the reason is in the link: another to the same resource may be promised
	verdict      Verdict
}

// A candidateKey tells one resource from another.
type candidateKey struct{ method, target string }

// maxDecisions is how many candidates a response may have. Those beyond are over the limit, unseen.
const maxDecisions = 256

// decide gives a candidate its verdict, and reports whether it is the first of its resource. Others
// get the verdict of the first.
func (p *planner) decide(c *candidate) (v Verdict, first bool) {
	if len(p.decisions) == maxDecisions {
		return c.skipped(refusal{Limit, "the response has too many candidates"}), false
	}
	target, no := p.locate(&c.link)
	linkOnly := false
	if forbidden := p.forbidden(&c.link, no); forbidden.refused() {
		no, linkOnly = forbidden, true
	}
	key := candidateKey{c.method, target}
	if key.method == "" {
		key.method = http.MethodGet
	}
	if d := p.find(key, linkOnly); d != nil {
		return d.again(c), false
	}
	v = Verdict{Source: c.source, Target: target, Critical: c.link.Critical}
	if !no.refused() {
		no = p.eligible(c, target)
	}
	if !no.refused() {
		no = p.promise(c, &v)
	}
	v.Status, v.Reason, v.Detail = p.outcome(c, no), no.reason, no.detail
	return p.record(decision{key, linkOnly, v}), true
}

// record keeps a decision, and reports it unless that is left to sendDeferred.
func (p *planner) record(d decision) Verdict {
	p.decisions = append(p.decisions, d)
	if !p.delivery.deferring {
		p.policy.report(p.request, d.verdict)
	}
	return d.verdict
}

// find returns what was decided about a resource, or nil. What was decided because of a link alone
// counts for links alone.
func (p *planner) find(key candidateKey, linkOnly bool) *decision {
	for i := range p.decisions {
		if d := &p.decisions[i]; d.candidateKey == key && (linkOnly || !d.linkOnly) {
			return d
		}
	}
	return nil
}

// again returns the verdict of another candidate of the same resource. A hint that could not go out
// becomes a link when the final response has it.
func (d *decision) again(c *candidate) Verdict {
	if v := &d.verdict; v.Status == Skipped && c.linked(v.Reason) {
		v.Status = Linked
	}
	return d.verdict
}

// linked reports whether a candidate that is not promised for this reason is left to its Link
// field.
func (c *candidate) linked(reason Reason) bool {
	return c.source == FromLink && reason == Disabled && !c.link.PushOnly
}

// outcome returns what becomes of a candidate.
func (p *planner) outcome(c *candidate, no refusal) Status {
	switch {
	case !no.refused():
		return Promised
	case p.hintable(c, no.reason):
		return Hinted
	case c.linked(no.reason):
		return Linked
	}
	return Skipped
}

// forbidden returns the reason against a promise that is in a link itself; located is what was
// found out about its target.
func (p *page) forbidden(l *Link, located refusal) refusal {
	switch {
	case located.reason == Invalid:
		return refusal{} // that comes first
	case l.NoPush:
		return refusal{NoPush, ""}
	case l.Anchor != "" && !p.isAnchor(l.Anchor):
		return refusal{Anchor, ""}
	case !located.refused() && (l.Media != "" || l.ImageSrcset != ""):
		return refusal{Conditional, ""}
	}
	return refusal{}
}

// eligible returns the reason against a promise that is in the page and its request.
func (p *page) eligible(c *candidate, target string) refusal {
	switch {
	case p.is(target):
		return refusal{Self, ""}
	case p.request.Method != http.MethodGet:
		return refusal{Method, ""}
	case c.status >= 400 || c.status == http.StatusNotModified:
		return refusal{BadStatus, ""}
	case c.method != "" && c.method != http.MethodGet && c.method != http.MethodHead:
		return refusal{Invalid, "only GET and HEAD can be promised"}
	case p.conn != nil && p.conn.shunned(time.Now()):
		return refusal{Disabled, "the client has reset what was promised"}
	case !p.accepts():
		return refusal{Disabled, ""}
	}
	return refusal{}
}
