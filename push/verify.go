package push

import (
	"context"
	"errors"
	"hash/maphash"
	"net/http"
	"strconv"
	"time"
)

// An answer is a response that can be promised.
type answer struct {
	header http.Header
	body   []byte
}

// verify runs Next for the request of a promise, and gives the promise its answer, or returns why
// that cannot be promised. The slow ones are not tried again for a while.
func (p *planner) verify(pr *promise) refusal {
	slow := &p.policy.slow
	began := time.Now()
	switch {
	case slow.fresh(pr.entry.key, pr.entry.generation, began):
		return refusal{Unverified, "it took too long a moment ago"}
	case p.waited > 4*p.policy.verifyTimeout():
		return refusal{Unverified, "the page has waited long enough for others"}
	}
	limit := min(p.policy.maxResourceBytes(), p.policy.maxResponseBytes()-p.delivery.bytes)
	a, no := p.run(pr.request, limit)
	now := time.Now()
	took := now.Sub(began)
	p.waited += took
	if no.refused() {
		if took >= p.policy.verifyTimeout() {
			pr.entry.fresh = now.Add(slowFor)
			slow.add(pr.entry)
		}
		return no
	}
	e := &pr.entry
	e.validator = validatorOf(a.header)
	e.validator.sum = maphash.Bytes(seed, a.body)
	e.fresh = freshUntil(a.header, now)
	e.memo = p.policy.Memory.memo(p.origin.authority, pr.request.RequestURI, a.header, e.fresh, now)
	pr.answer = a
	return refusal{}
}

// run runs Next for a request that may be promised, and returns its answer, of at most limit bytes,
// if it can be, else why not.
func (p *planner) run(r *http.Request, limit int64) (*answer, refusal) {
	if !p.policy.tryVerifying() {
		return nil, refusal{Limit, "too many responses are verified at once"}
	}
	ctx, cancel := context.WithTimeout(r.Context(), p.policy.verifyTimeout())
	defer cancel()
	c := &capture{
		limit: limit, head: r.Method == http.MethodHead, cancel: cancel, header: http.Header{},
	}
	r = r.WithContext(ctx)
	var fault string
	if honors := p.handler.HonorsContext; honors != nil && honors(r) {
		fault = c.run(p.handler.Next, r)
		p.policy.endVerifying()
	} else {
		done := make(chan string, 1)
		go func() {
			// Next may outlive the deadline. It counts as long as it runs, and nobody listens.
			fault := c.run(p.handler.Next, r)
			p.policy.endVerifying() // before done is signalled, so that the next one finds room
			done <- fault
		}()
		select {
		case fault = <-done:
		case <-ctx.Done():
			// Next is not waited for: what counts is what it has said.
		}
	}
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		fault = "no answer within " + p.policy.verifyTimeout().String()
	}
	if no := c.close(ctx.Err(), fault); no.refused() {
		return nil, no
	}
	a := &answer{c.sent, c.body}
	if no := a.unfit(r); no.refused() {
		return nil, no
	}
	return a, refusal{}
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
