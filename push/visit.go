package push

import (
	"hash/maphash"
	"net/http"
	"slices"
	"strings"
	"time"
)

// A visit is what the client will have once it has the page itself, and what its cookie says that it
// has from earlier ones.
type visit struct {
	entry entry         // of the diary; its key is 0 if there is none
	sum   *maphash.Hash // of the body, where nothing else tells one state from another
	past  past
}

// A past is what the cookie of the client has, once it is read.
type past struct {
	read   bool
	memos  []memo
	issued uint32 // in minutes
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
			p.visit.sum = new(maphash.Hash)
			p.visit.sum.SetSeed(seed)
		}
	case http.StatusNotModified:
		e.validator = notModified(e.validator, p.request.Header)
	default:
		return
	}
	e.fresh = freshUntil(header, now)
	e.key = resourceKey(http.MethodGet, p.origin.authority, p.target)
	e.memo = p.policy.Memory.memo(p.origin.authority, p.target, header, e.fresh, now)
	p.visit.entry = e
}

// notModified returns the validator of what a client has that a 304 with the validator v answers: what
// the response does not tell, the condition of its request does.
func notModified(v validator, request http.Header) validator {
	if tag := first(request, "If-None-Match"); v.tag == 0 && tag != "" && !strings.ContainsAny(tag, "*,") {
		v.tag = maphash.String(seed, strings.TrimPrefix(tag, "W/"))
	}
	if m := first(request, "If-Modified-Since"); v == (validator{}) && m != "" {
		v.modified = maphash.String(seed, m)
	}
	return v
}

// arrive adds the page to the diary: the client has got all of it.
func (p *planner) arrive() {
	e := &p.visit.entry
	if e.key == 0 {
		return
	}
	if p.visit.sum != nil {
		e.validator.sum = p.visit.sum.Sum64()
	}
	e.arrived = true
	p.conn.diary.add(*e)
}

// remembered returns what the cookie of the client has.
func (p *planner) remembered() *past {
	past := &p.visit.past
	if !past.read {
		past.read = true
		past.memos, past.issued = p.policy.Memory.read(p.request, p.origin.authority, time.Now())
	}
	return past
}

// remembers reports whether the cookie of the client has m.
func (p *planner) remembers(m memo) bool {
	return m.hash != 0 && slices.ContainsFunc(p.remembered().memos, func(o memo) bool {
		return o.hash == m.hash
	})
}

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
	m.write(p.request, p.origin.authority, header, arrived, p.remembered(), now)
}
