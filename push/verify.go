package push

import (
	"context"
	"errors"
	"hash/maphash"
	"maps"
	"net/http"
	"strconv"
	"time"
)

// An answer is a response that can be promised.
type answer struct {
	header    http.Header
	body      []byte
	unchanged bool // since the state of the condition: there is no body

	// The field that the page's request has for which the answer is none for the page, "" if it is
	// none for any page.
	field string
}

// verify runs Next for the request of a promise, and gives the promise its answer, or returns why
// that cannot be promised or need not be. What is known of an earlier answer spares the work: one
// that could not be promised is not asked for again for a while, and one in a state that the client
// has is asked for on the condition that it is another.
func (p *planner) verify(pr *promise) refusal {
	began := time.Now()
	last := p.handler.outcomes.get(pr.variant, pr.entry.generation)
	limit := min(p.policy.maxResourceBytes(), p.policy.maxResponseBytes()-p.delivery.bytes,
		p.policy.maxOpenBytes()-p.policy.openBytes.Load())
	if no := p.mayRun(pr, &last, limit, began); no.refused() {
		return no
	}
	r := pr.request
	conditional := p.holds(pr, &last)
	if conditional {
		r = r.WithContext(r.Context())
		r.Header = maps.Clone(r.Header)
		last.condition(r.Header)
	}
	a, no := p.run(r, limit)
	now := time.Now()
	took := now.Sub(began)
	p.waited += took
	e := &pr.entry
	switch {
	case no.reason == Personal:
		p.handler.outcomes.put(pr.variant, outcome{generation: e.generation, no: no,
			until: now.Add(refusedFor), field: a.field})
		return no
	case no.refused():
		p.refused(pr, no, took, limit)
		return no
	case a.unchanged:
		e.validator = last.validator
	default:
		e.validator = validatorOf(a.header)
		e.validator.sum = maphash.Bytes(seed, a.body)
		p.handler.outcomes.answered(pr.variant, e.generation, e.validator, a.header)
		pr.answer = a
	}
	e.fresh = freshUntil(a.header, now)
	e.memo = p.policy.Memory.memo(p.origin, pr.request.RequestURI, a.header, e.fresh, now)
	return refusal{}
}

// mayRun returns why Next is not run for the request of a promise, whose outcome was last and whose
// body may have limit bytes. If there is no reason, run must follow.
func (p *planner) mayRun(pr *promise, last *outcome, limit int64, now time.Time) refusal {
	slow := p.handler.outcomes.get(pr.entry.key, pr.entry.generation)
	if no := slow.refused(now); no.refused() {
		return no
	}
	if no := last.refused(now); no.refused() &&
		(no.reason != Personal || last.field == "" || p.sends(last.field)) &&
		(no.reason != Budget || limit <= last.limit) {
		return no
	}
	switch {
	case p.waited > 4*p.policy.verifyTimeout():
		return refusal{Unverified, "the page has waited long enough for others"}
	case p.runs >= p.policy.maxRuns():
		return refusal{Limit, "enough responses were verified for the page"}
	case !p.policy.tryVerifying():
		return refusal{Limit, "too many responses are verified at once"}
	case !p.conn.mayRun(now):
		p.policy.endVerifying()
		return refusal{Limit, "enough responses were verified for the connection"}
	}
	p.runs++
	return refusal{}
}

// holds reports whether the client has what a promise would carry, if its state is still the last.
func (p *planner) holds(pr *promise, last *outcome) bool {
	if last.tag == "" && last.modified == "" {
		return false
	}
	if p.conn.diary.holds(pr.entry.key, last.validator) {
		return true
	}
	m := p.policy.Memory
	return m.on() && p.received().has(memo{hash: m.hash(p.origin, pr.request.RequestURI,
		last.memorable())})
}

// refused remembers that an answer of at most limit bytes could not be promised, unless that lies
// in this page.
func (p *planner) refused(pr *promise, no refusal, took time.Duration, limit int64) {
	o, generation := &p.handler.outcomes, pr.entry.generation
	switch {
	case p.request.Context().Err() != nil:
	case took >= p.policy.verifyTimeout():
		// Whatever its fields are: they are the client's to choose.
		o.remember(pr.entry.key, generation,
			refusal{Unverified, "it took too long a moment ago"})
	case no.reason == Unverified:
		o.remember(pr.variant, generation, no)
	case no.reason == Budget:
		o.tooLarge(pr.variant, generation, no, limit)
	}
}

// run runs Next for a request that may be promised, and returns its answer, of at most limit bytes,
// if it can be, else why not.
func (p *planner) run(r *http.Request, limit int64) (*answer, refusal) {
	c := &capture{
		deadline: deadline{parent: r.Context(), by: time.Now().Add(p.policy.verifyTimeout())},
		limit:    limit, head: r.Method == http.MethodHead,
		conditional: len(r.Header["If-None-Match"])+len(r.Header["If-Modified-Since"]) > 0,
	}
	defer c.end()
	r = r.WithContext(c)
	var fault string
	if honors := p.handler.HonorsContext; honors != nil && honors(r) {
		fault = p.answer(c, r)
	} else {
		done := make(chan string, 1)
		go func() {
			// Next may outlive the deadline. It counts as long as it runs, and nobody listens. It
			// counts no more before done is signalled, so that the next one finds room.
			done <- p.answer(c, r)
		}()
		select {
		case fault = <-done:
		case <-c.Done():
			// Next is not waited for: what counts is what it has said.
		}
	}
	if errors.Is(c.Err(), context.DeadlineExceeded) {
		fault = "no answer within " + p.policy.verifyTimeout().String()
	}
	if no := c.close(c.Err(), fault); no.refused() {
		return nil, no
	}
	a := &answer{header: c.sent, body: c.body, unchanged: c.status == http.StatusNotModified}
	if a.unchanged {
		return a, refusal{}
	}
	if no := a.unfit(r); no.refused() {
		return nil, no
	}
	if name, always, ok := p.depends(c.read, c.all, r.Header); ok {
		if !always {
			a.field = name
		}
		return a, refusal{Personal, "it was made from " + name + ", which the promised request " +
			"has not got from the page, and which no Vary names"}
	}
	return a, refusal{}
}

// answer runs Next for a request, and says what went wrong. It ends the verifying however Next
// ends, by runtime.Goexit too.
func (p *planner) answer(c *capture, r *http.Request) (fault string) {
	defer p.policy.endVerifying()
	return c.run(p.handler.Next, r)
}

// unfit returns why an answer with status 200 to r cannot be promised.
func (a *answer) unfit(r *http.Request) refusal {
	no := ""
	if len(a.header["Set-Cookie"]) > 0 {
		no = "it sets a cookie"
	} else if !storable(a.header) {
		// RFC 9113, section 8.4: what is pushed must be cacheable.
		no = "its Cache-Control is no-store"
	} else if name, ok := varies(a.header, r.Header); ok {
		no = "it varies on " + name + ", which the promised request has not got from the page"
	} else if len(a.header["Trailer"]) > 0 {
		no = "it has trailers"
	} else if n := first(a.header, "Content-Length"); n != "" && r.Method != http.MethodHead &&
		n != strconv.Itoa(len(a.body)) {
		no = "its Content-Length is " + n + ", its body has " + strconv.Itoa(len(a.body)) + " bytes"
	}
	if no != "" {
		return refusal{Unverified, no}
	}
	if len(a.header["Link"]) > 0 {
		hidePushOnly(a.header)
	}
	return refusal{}
}
