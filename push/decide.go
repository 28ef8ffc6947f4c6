package push

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"
)

// A candidate is a resource about which a plan decides.
type candidate struct {
	source Source
	link   Link // as it was read, or as a call would have it
	header http.Header
	method string
	status int // of the final response; 0 before that
}

// add keeps a verdict.
func (p *Plan) add(v Verdict) Verdict {
	p.verdicts = append(p.verdicts, v)
	if !p.holding {
		p.policy.note(p.r, v)
	}
	return v
}

// A kept promise is one that is made later.
type kept struct {
	r       *http.Request
	a       *answer
	e       entry
	verdict int // which is its
}

// release makes the promises that were kept back, and makes known the verdicts from that at first on.
func (p *Plan) release(first int) {
	p.holding = false
	for i := range p.kept {
		k := &p.kept[i]
		v := &p.verdicts[k.verdict]
		if p.keep(k.r, k.a, k.e, v); v.Reason != "" {
			v.Status = Skipped
		}
	}
	p.kept = nil
	for _, v := range p.verdicts[first:] {
		p.policy.note(p.r, v)
	}
}

// decide gives a candidate its verdict: the one it has, if it was seen before. p.mu is held.
func (p *Plan) decide(c *candidate) Verdict {
	v := Verdict{Source: c.source, Target: strings.Trim(c.link.Target, " \t"), Critical: c.link.Critical}
	if len(p.verdicts) == maxVerdicts {
		v.Status, v.Reason, v.Detail = Skipped, Limit, "the response has too many candidates"
		return v
	}
	target, reason := p.origin.resolve(p.page, c.link.Target)
	if reason == "" {
		v.Target = target
	}
	v.Reason, v.Detail = reason, p.outside(reason, target)
	if v.Detail != "" {
		v.Reason = Foreign
	}
	key := v.Target
	if c.method != "" && c.method != http.MethodGet {
		key = c.method + " " + key
	}
	linkish := p.forbids(c, &v)
	for i := range p.seen {
		// What a link says counts for the link; another to the same resource is a candidate again.
		if s := &p.seen[i]; s.key == key && (linkish || !s.linkish) {
			known := &p.verdicts[s.verdict]
			if c.source == FromLink && !c.link.PushOnly && known.Status == Skipped && known.Reason == Disabled {
				known.Status = Linked
			}
			return *known
		}
	}
	if v.Reason == "" {
		p.eligible(c, &v)
	}
	if v.Reason == "" {
		p.promise(c, &v)
	}
	switch {
	case v.Reason == "":
		v.Status = Promised
	case p.hints(c, v.Reason):
		v.Status = Hinted
	case c.source == FromLink && v.Reason == Disabled && !c.link.PushOnly:
		v.Status = Linked
	default:
		v.Status = Skipped
	}
	p.seen = append(p.seen, seen{key, linkish, len(p.verdicts)})
	return p.add(v)
}

// outside says why a target that resolves is not of the site.
func (p *Plan) outside(reason Reason, target string) string {
	if reason == "" && !withinMount(target, p.h.Mount) {
		return "it is outside " + p.h.Mount
	}
	return ""
}

// forbids gives the reasons that are in the link itself, and reports whether there is one.
func (p *Plan) forbids(c *candidate, v *Verdict) bool {
	switch l := &c.link; {
	case v.Reason == Invalid:
		return false
	case l.NoPush:
		v.Reason = NoPush
	case l.Anchor != "" && !p.isPage(l.Anchor):
		v.Reason = Anchor
	case v.Reason == "" && (l.Media != "" || l.ImageSrcset != ""):
		v.Reason = Conditional
	default:
		return false
	}
	return true
}

// isPage reports whether an anchor is the page, and not a part of it. RFC 8288, section 3.2.
func (p *Plan) isPage(anchor string) bool {
	target, reason := p.origin.resolve(p.page, anchor)
	return reason == "" && !strings.Contains(anchor, "#") && p.self(target)
}

func (p *Plan) self(target string) bool { return sameTarget(target, encode(p.page)) }

// eligible gives the reasons that are in the page and in its request.
func (p *Plan) eligible(c *candidate, v *Verdict) {
	switch {
	case p.self(v.Target):
		v.Reason = Self
	case p.r.Method != http.MethodGet:
		v.Reason = Method
	case c.status >= 400 || c.status == http.StatusNotModified:
		v.Reason = BadStatus
	case c.method != "" && c.method != http.MethodGet && c.method != http.MethodHead:
		v.Reason, v.Detail = Invalid, "only GET and HEAD can be promised"
	case !p.Accepts():
		v.Reason = Disabled
	}
}

// promise promises the target of v, or gives the reason why not.
func (p *Plan) promise(c *candidate, v *Verdict) {
	method := http.MethodGet
	if c.method == http.MethodHead || pushPolicy(p.r.Header) == http.MethodHead {
		method, v.Method = http.MethodHead, http.MethodHead
	}
	header, faulty := promisedHeader(p.r.Header, c.header)
	if faulty != "" {
		v.Reason, v.Detail = Invalid, "a promised request cannot have the field "+faulty
		return
	}
	r, ok := p.promisedRequest(method, v.Target, header)
	if !ok {
		v.Reason, v.Detail = Foreign, "it is outside what the handler serves"
		return
	}
	e := entry{key: resourceKey(method, p.origin.authority, v.Target), generation: p.generation(r)}
	if p.diary.fresh(e.key, e.generation, time.Now()) {
		v.Reason, v.Detail = Diary, "it was sent, and is fresh"
		return
	}
	left, _ := p.conn.Promises()
	left -= len(p.kept)
	budget := min(p.policy.resource(), p.policy.bytes()-p.bytes)
	switch {
	case p.stopped != "":
		v.Reason, v.Detail = p.stopped, "the connection refused a promise"
	case p.promised >= p.policy.promises() || left <= 0:
		v.Reason = Limit
	case budget <= 0:
		v.Reason = Budget
	case p.policy.slow.fresh(e.key, e.generation, time.Now()):
		v.Reason, v.Detail = Unverified, "it took too long a moment ago"
	case p.waited > 4*p.policy.verifyTimeout():
		v.Reason, v.Detail = Unverified, "the page has waited long enough for others"
	}
	if v.Reason != "" {
		return
	}
	began := time.Now()
	a, reason, detail := p.verify(r, budget)
	now := time.Now()
	p.waited += now.Sub(began)
	if a == nil {
		v.Reason, v.Detail = reason, detail
		if now.Sub(began) >= p.policy.verifyTimeout() {
			p.policy.slow.add(entry{key: e.key, generation: e.generation, fresh: now.Add(slowFor)})
		}
		return
	}
	e.validator, e.fresh = a.validator, a.fresh
	e.memo = p.policy.Memory.memo(p.origin.authority, v.Target, a.header, a.fresh, now)
	if p.diary.has(e) {
		v.Reason, v.Detail = Diary, "it was sent, and has not changed"
		return
	}
	if p.remembers(e.memo) {
		e.arrived = true
		p.diary.add(e)
		v.Reason, v.Detail = Diary, "it was sent on another connection, and is fresh"
		return
	}
	p.promised++
	p.bytes += int64(len(a.body))
	v.Bytes = int64(len(a.body))
	if p.holding {
		p.kept = append(p.kept, kept{r, a, e, len(p.verdicts)})
		return
	}
	p.keep(r, a, e, v)
}

// remembers reports whether the client's cookie has m.
func (p *Plan) remembers(m memo) bool {
	if m.hash == 0 {
		return false
	}
	p.remember()
	return slices.ContainsFunc(p.memos, func(o memo) bool { return o.hash == m.hash })
}

// keep makes the promise that a answers, and notes e in the diary until it is known to be refused.
func (p *Plan) keep(r *http.Request, a *answer, e entry, v *Verdict) {
	if p.stopped != "" {
		p.forgo(v, p.stopped, "the connection refused a promise")
		return
	}
	release, reason, detail := p.policy.hold(p.session, v.Bytes)
	if reason != "" {
		p.forgo(v, reason, detail)
		return
	}
	e.serial = p.policy.serial.Add(1)
	diary := &p.diary
	diary.add(e)
	err := p.conn.Promise(r, a.header, a.body, v.Critical, func(err error) {
		release()
		diary.settle(e.key, e.serial, err == nil)
	})
	if err != nil {
		release()
		diary.settle(e.key, e.serial, false)
		p.stopped = Limit
		if _, ok := p.conn.Promises(); !ok || errors.Is(err, http.ErrNotSupported) {
			p.stopped = Disabled
		}
		p.forgo(v, p.stopped, err.Error())
	}
}

// forgo takes back what was counted for a promise that is not made.
func (p *Plan) forgo(v *Verdict, reason Reason, detail string) {
	p.promised--
	p.bytes -= v.Bytes
	v.Reason, v.Detail, v.Bytes = reason, detail, 0
}
