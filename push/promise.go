package push

import (
	"errors"
	"net/http"
	"sync/atomic"
	"time"
)

// A promise is a response that the client gets before it asks for it, and its request.
type promise struct {
	request  *http.Request
	critical bool
	entry    entry   // of the diary
	variant  uint64  // the key of its outcome
	answer   *answer // nil until it is verified
}

// A delivery is what was promised with a page.
type delivery struct {
	made      int     // promises, those that are deferred among them
	bytes     int64   // of their bodies
	stopped   refusal // why there can be no more: the connection refused one
	deferring bool    // promises are deferred until all candidates are decided
	deferred  []deferred
}

// A deferred promise is one that is still to be sent.
type deferred struct {
	promise
	decision int // its index
}

// promise promises what a candidate names and v has the target of, or returns why not.
func (p *planner) promise(c *candidate, v *Verdict) refusal {
	pr, no := p.propose(c, v.Target)
	if no.refused() {
		return no
	}
	if pr.request.Method != http.MethodGet {
		v.Method = pr.request.Method
	}
	if p.conn.diary.fresh(pr.entry.key, pr.entry.generation, time.Now()) {
		return refusal{Diary, "it was sent, and is fresh"}
	}
	if no := p.allowed(); no.refused() {
		return no
	}
	if no := p.reserve(); no.refused() {
		return no
	}
	if no := p.fill(&pr); no.refused() {
		return no
	}
	v.Bytes = int64(len(pr.answer.body))
	p.delivery.made++
	p.delivery.bytes += v.Bytes
	if p.delivery.deferring {
		p.delivery.deferred = append(p.delivery.deferred, deferred{pr, len(p.decisions)})
		return refusal{}
	}
	return p.send(&pr, v)
}

// reserve reserves a place for a promise, or returns the limit that forbids it: what there is no
// room for is not run.
func (p *planner) reserve() refusal {
	left, _ := p.promiser.Promises()
	no := p.policy.reserve(p.conn, left)
	if no.refused() && len(p.delivery.deferred) > 0 {
		p.flush() // some may be settled at once
		if p.delivery.stopped.refused() {
			return p.delivery.stopped
		}
		left, _ = p.promiser.Promises()
		no = p.policy.reserve(p.conn, left)
	}
	return no
}

// fill gives a promise that has a place its answer, and room for that, or gives back the place and
// returns why there is to be none.
func (p *planner) fill(pr *promise) (no refusal) {
	filled := false
	defer func() {
		if !filled {
			p.policy.release(p.conn, 0)
		}
	}()
	if no := p.verify(pr); no.refused() {
		return no
	}
	if no := p.known(pr); no.refused() {
		return no
	}
	no = p.policy.reserveBytes(int64(len(pr.answer.body)))
	filled = !no.refused()
	return no
}

// propose makes the request of a promise.
func (p *planner) propose(c *candidate, target string) (pr promise, no refusal) {
	method := promisedMethod(p.request.Header)
	if c.method == http.MethodHead {
		method = http.MethodHead
	}
	header, faulty := promisedHeader(p.request.Header, c.header)
	if faulty != "" {
		return promise{}, refusal{Invalid, "a promised request cannot have the field " + faulty}
	}
	r, ok := p.promised(method, target, header)
	if !ok {
		return promise{}, refusal{Foreign, "it is outside what the handler serves"}
	}
	key := resourceKey(method, p.origin, target)
	return promise{request: r, critical: c.link.Critical, variant: variantKey(key, header),
		entry: entry{key: key, generation: p.generationOf(r)}}, refusal{}
}

// allowed returns the limit of the page that forbids one more promise.
func (p *planner) allowed() refusal {
	switch d := &p.delivery; {
	case d.stopped.refused():
		return d.stopped
	case d.made >= p.policy.maxPromises():
		return refusal{Limit, ""}
	case d.bytes >= p.policy.maxResponseBytes():
		return refusal{Budget, ""}
	}
	return refusal{}
}

// known returns why a response that could be promised need not be: the client has it in this state.
func (p *planner) known(pr *promise) refusal {
	if p.conn.diary.has(pr.entry) {
		return refusal{Diary, "it was sent, and has not changed"}
	}
	if p.remembers(pr.entry.memo) {
		pr.entry.arrived = true
		p.conn.diary.add(pr.entry)
		return refusal{Diary, "it was sent on another connection, and is fresh"}
	}
	if pr.answer == nil {
		return refusal{Diary, "the client has it, and it has not changed"}
	}
	return refusal{}
}

// sendDeferred sends the promises that were deferred, and reports the decisions from that at first
// on.
func (p *planner) sendDeferred(first int) {
	p.flush()
	p.delivery.deferring = false
	for i := range p.decisions[first:] {
		p.policy.report(p.request, p.decisions[first+i].verdict)
	}
}

// flush sends the promises that were deferred.
func (p *planner) flush() {
	for len(p.delivery.deferred) > 0 {
		d := &p.delivery.deferred[0]
		p.delivery.deferred = p.delivery.deferred[1:]
		v := &p.decisions[d.decision].verdict
		if no := p.send(&d.promise, v); no.refused() {
			v.Status, v.Reason, v.Detail = Skipped, no.reason, no.detail
		}
	}
}

// send sends a promise, and notes it in the diary until it is known to be refused. If it cannot be
// sent, it no longer counts.
func (p *planner) send(pr *promise, v *Verdict) refusal {
	no := p.trySend(pr, v)
	if no.refused() {
		p.delivery.made--
		p.delivery.bytes -= v.Bytes
		v.Bytes = 0
	}
	return no
}

func (p *planner) trySend(pr *promise, v *Verdict) refusal {
	n := int64(len(pr.answer.body))
	if p.delivery.stopped.refused() {
		p.policy.release(p.conn, n)
		return p.delivery.stopped
	}
	pr.entry.serial = p.policy.serial.Add(1)
	p.conn.diary.add(pr.entry)
	f := &flight{policy: p.policy, conn: p.conn, key: pr.entry.key, serial: pr.entry.serial, bytes: n}
	if tell := p.handler.Settled; tell != nil {
		f.watched = &watched{tell, p.request, *v, time.Now()}
		f.watched.verdict.Status = Promised
	}
	p.conn.unmade.Add(-1) // the connection counts it from now on
	err := p.promiser.Promise(pr.request, pr.answer.header, pr.answer.body, pr.critical, f.settled)
	if err == nil {
		p.conn.paid()
		return refusal{}
	}
	f.land()
	p.conn.diary.settle(f.key, f.serial, false)
	reason := Limit
	if _, ok := p.promiser.Promises(); !ok || errors.Is(err, http.ErrNotSupported) {
		reason = Disabled
	}
	p.delivery.stopped = refusal{reason, "the connection refused a promise"}
	return refusal{reason, err.Error()}
}

// drop gives back what promises have that were deferred and, since something has panicked, never
// sent.
func (p *planner) drop() {
	for i := range p.delivery.deferred {
		p.policy.release(p.conn, int64(len(p.delivery.deferred[i].answer.body)))
	}
	p.delivery.deferred = nil
}

// A flight is a promise that was made, until it is settled.
type flight struct {
	policy      *Policy
	conn        *connection
	key, serial uint64 // of its entry in the diary
	bytes       int64
	landed      atomic.Bool // its place and its bytes have been given back
	paid        atomic.Bool // the client has taken it, which made a reset of another good
	watched     *watched    // nil unless somebody is told what becomes of it
}

// watched is what is told of a promise, and by what.
type watched struct {
	tell    func(*http.Request, Verdict, time.Duration, error)
	request *http.Request // of the page
	verdict Verdict
	began   time.Time
}

// settled is what [Promiser] calls.
func (f *flight) settled(err error) {
	f.land()
	if w := f.watched; w != nil {
		w.tell(w.request, w.verdict, time.Since(w.began), err)
	}
	f.conn.diary.settle(f.key, f.serial, err == nil)
	if err != nil {
		f.conn.reset(time.Now(), f.paid.Swap(false))
	} else if f.conn.took(time.Now()) {
		f.paid.Store(true)
	}
}

func (f *flight) land() {
	if !f.landed.Swap(true) {
		f.policy.settled(f.conn, f.bytes)
	}
}
