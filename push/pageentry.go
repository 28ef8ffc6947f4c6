package push

import (
	"hash/maphash"
	"net/http"
	"time"
)

// A pageEntry is what the diary gets of the page itself when the client has got all of it.
type pageEntry struct {
	entry               // its key is 0 if there is none
	sum   *maphash.Hash // of the body, where nothing else tells one state from another
}

// enter makes the entry of the page, from the header of its response.
func (p *planner) enter(status int, header http.Header, now time.Time) {
	if p.conn == nil || p.request.Method != http.MethodGet || !storable(header) {
		return
	}
	e := entry{validator: validatorOf(header), generation: p.generation}
	switch status {
	case http.StatusOK:
		if e.validator.tag == 0 {
			p.entry.sum = new(maphash.Hash)
			p.entry.sum.SetSeed(seed)
		}
	case http.StatusNotModified:
		e.validator = notModified(e.validator, p.request.Header)
	default:
		return
	}
	e.fresh = freshUntil(header, now)
	e.key = resourceKey(http.MethodGet, p.origin, p.target)
	e.memo = p.policy.Memory.memo(p.origin, p.target, header, e.fresh, now)
	p.entry.entry = e
}

// arrive adds the page to the diary: the client has got all of it.
func (p *planner) arrive() {
	e := &p.entry
	if e.key == 0 {
		return
	}
	if e.sum != nil {
		e.validator.sum = e.sum.Sum64()
	}
	e.arrived = true
	p.conn.diary.add(e.entry)
}

// received returns what the cookie of the client has.
func (p *planner) received() *cookie {
	if p.cookie == nil {
		c := p.policy.Memory.read(p.request, p.origin, time.Now())
		p.cookie = &c
	}
	return p.cookie
}

// remembers reports whether the cookie of the client has m.
func (p *planner) remembers(m memo) bool { return m.hash != 0 && p.received().has(m) }

// setCookie adds to the header of the response what has arrived on the connection.
func (p *planner) setCookie(status int, header http.Header, now time.Time) {
	m := p.policy.Memory
	if !m.on() || p.request.Method != http.MethodGet || status >= 400 {
		return
	}
	var arrived []memo
	if p.conn != nil {
		arrived = p.conn.diary.memos(m.maxEntries(), now)
	}
	m.write(p.request, p.origin, header, arrived, p.received(), now)
}
