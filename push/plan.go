package push

import (
	"context"
	"hash/maphash"
	"net/http"
	"strings"
	"sync"
	"time"
)

// A Resource is what a handler wants to be promised.
type Resource struct {
	// Target is a URI reference, relative to the page.
	Target string
	// Method is GET or HEAD. Empty means GET.
	Method string
	// Header are fields that the promised request has besides those it has from the page.
	Header http.Header
	// Critical sends the response before the page.
	Critical bool
	// As is what the resource is used for, "style" or "script" say, for a client that gets a hint instead. Empty means what
	// the end of the target tells.
	As string
}

// A Plan decides what is promised with one page, and what is hinted. It is made by a [Handler], and found by [From]. A
// nil *Plan decides nothing. It is safe for concurrent use.
type Plan struct {
	h      *Handler
	policy *Policy
	w      *writer // of the page
	r      *http.Request
	conn   Promiser // nil: the client takes no promises

	mu         sync.Mutex
	committed  bool // the final header goes out
	ended      bool
	*decisions // made at the first use
}

// decisions are what a plan has decided, and what it needs to know for that.
type decisions struct {
	page   string // target of the page
	origin origin
	*session

	verdicts []Verdict
	seen     []seen
	hinted   map[string]bool // elements that a 103 had
	promised int
	bytes    int64
	waited   time.Duration
	stopped  Reason // the client, or the server, refused

	holding bool            // promises are made when all candidates have been decided about
	kept    []kept          // and until then they are here
	ctx     context.Context // of the promised requests

	memos  []memo // of the client's cookie
	issued uint32
	recall bool // memos are read

	pulled entry // what the diary gets of the page itself
	sum    *maphash.Hash
}

// seen is a candidate that has its verdict.
type seen struct {
	key     string
	linkish bool // the verdict was about the link, not about the resource
	verdict int
}

// maxVerdicts is how many candidates a response may have; those beyond are over the limit, unseen.
const maxVerdicts = 256

// begin makes the decisions, if they are not made. p.mu is held.
func (p *Plan) begin() {
	if p.decisions != nil {
		return
	}
	p.decisions = &decisions{page: pageTarget(p.r), origin: originOf(p.r)}
	if p.conn != nil {
		p.session = sessionOf(p.conn)
	}
}

// busy reports whether the plan has something to do even if nobody calls it and no Link field comes up: there is a map, or the
// client takes promises, so that what it is sent goes into its diary.
func (p *Plan) busy() bool {
	return p.conn != nil || p.policy.Map != nil || p.policy.Recorder != nil || p.policy.Memory.on()
}

// generation returns the version of what answers r.
func (p *Plan) generation(r *http.Request) uint64 {
	if p.h.Generation == nil {
		return 0
	}
	return p.h.Generation(p.w, r)
}

// Accepts reports whether the client accepts promises now.
func (p *Plan) Accepts() bool {
	if p == nil || p.conn == nil || pushPolicy(p.r.Header) == "" {
		return false
	}
	_, ok := p.conn.Promises()
	return ok
}

// Promised returns how many promises have been made.
func (p *Plan) Promised() int {
	if p == nil {
		return 0
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.decisions == nil {
		return 0
	}
	return p.promised
}

// start acts on the map of resources, before the handler runs.
func (p *Plan) start() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.begin()
	p.pulled.generation = p.generation(p.r)
	if p.policy.Map == nil || p.r.Method != http.MethodGet {
		return
	}
	links := p.policy.Map.links(p.page)
	if len(links) == 0 {
		return
	}
	var hints []string
	for i := range links {
		hints = p.early(hints, FromMap, &links[i])
	}
	p.send(hints, nil)
}

// Push promises a resource, or hints at it where the client takes no promises and the page has not begun.
func (p *Plan) Push(res Resource) Verdict {
	v := Verdict{Source: FromCall, Target: res.Target, Status: Skipped, Critical: res.Critical}
	if p == nil {
		v.Reason, v.Detail = Disabled, "the request is a promised one"
		return v
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.begin()
	if p.ended {
		v.Reason, v.Detail = Disabled, "the response has ended"
		return v
	}
	link := Link{Target: res.Target, Rel: "preload", As: res.As, Critical: res.Critical}
	c := candidate{source: FromCall, link: link, header: res.Header, method: res.Method}
	if link.As == "" {
		c.link.As = destination(res.Target)
	}
	n := len(p.verdicts)
	v = p.decide(&c)
	if v.Status == Hinted && len(p.verdicts) > n {
		c.link.Text = "<" + v.Target + ">; rel=preload; as=" + c.link.As
		if c.link.As == "font" {
			c.link.Text += "; crossorigin"
		}
		p.send(p.hintOf(nil, v, &c.link), nil)
	}
	return v
}

// destination returns what a resource with this target is usually used for, "" if that is unknown.
func destination(target string) string {
	target, _, _ = strings.Cut(target, "#")
	target, _, _ = strings.Cut(target, "?")
	dot := strings.LastIndexByte(target, '.')
	if dot < 0 || strings.IndexByte(target[dot:], '/') >= 0 {
		return ""
	}
	switch strings.ToLower(target[dot+1:]) {
	case "css":
		return "style"
	case "js", "mjs":
		return "script"
	case "woff2", "woff", "ttf", "otf":
		return "font"
	case "png", "jpg", "jpeg", "gif", "webp", "avif", "svg", "ico":
		return "image"
	case "json":
		return "fetch"
	}
	return ""
}

// commit acts on the Link fields of the final response, before its header goes out, and takes out of the header
// what the client is not to see. sum, if not nil, is to get the bytes of the body.
func (p *Plan) commit(status int, header http.Header) (sum *maphash.Hash) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.committed = true
	if p.decisions == nil && len(header["Link"]) == 0 {
		return nil
	}
	p.begin()
	if fields := header["Link"]; len(fields) > 0 {
		p.links(status, header, fields)
	}
	now := time.Now()
	if p.policy.Memory.on() && p.r.Method == http.MethodGet && status < 400 {
		p.remember()
		var known []memo
		if p.session != nil {
			known = p.diary.memos(p.policy.Memory.entries(), now)
		}
		p.policy.Memory.write(p.r, p.origin.authority, header, known, p.memos, p.issued, now)
	}
	p.pull(status, header, now)
	p.policy.Recorder.observe(p, status, header, now)
	return p.sum
}

// links decides about the Link fields of the final response.
func (p *Plan) links(status int, header http.Header, fields []string) {
	links, whole := ParseLinks(fields)
	hidden := false
	// What is promised while the next is still being looked at goes out at once, for as long as that takes. Here the page is ready, and
	// comes first: the promises are made when nothing is left to wait for.
	p.holding = true
	first := len(p.verdicts)
	for i := range links {
		l := &links[i]
		if !l.Is("preload") {
			continue
		}
		hidden = hidden || l.PushOnly
		p.decide(&candidate{source: FromLink, link: *l, status: status})
	}
	p.release(first)
	if !whole {
		p.add(Verdict{Source: FromLink, Status: Skipped, Reason: Limit, Detail: "there is more in the Link fields than is read"})
	}
	if hidden {
		hidePushOnly(header)
	}
}

// hidePushOnly takes out of the Link fields the elements that are only for the server.
func hidePushOnly(header http.Header) {
	var left []string
	for _, field := range header["Link"] {
		links, whole := ParseLinks([]string{field})
		kept := make([]string, 0, len(links))
		for i := range links {
			if l := &links[i]; !l.PushOnly || !l.Is("preload") {
				kept = append(kept, l.Text)
			}
		}
		if len(kept) == len(links) || !whole {
			left = append(left, field)
		} else if len(kept) > 0 {
			left = append(left, strings.Join(kept, ", "))
		}
	}
	if len(left) > 0 {
		header["Link"] = left
	} else {
		delete(header, "Link")
	}
}

// remember reads the client's cookie, once.
func (p *Plan) remember() {
	if !p.recall {
		p.recall = true
		p.memos, p.issued = p.policy.Memory.read(p.r, p.origin.authority, time.Now())
	}
}

// pull notes what the diary gets of the page itself once it is sent.
func (p *Plan) pull(status int, header http.Header, now time.Time) {
	if p.session == nil || p.r.Method != http.MethodGet || !storable(header) {
		return
	}
	e := entry{validator: validatorOf(header), generation: p.pulled.generation}
	switch status {
	case http.StatusOK:
		if e.validator.tag == 0 {
			p.sum = new(maphash.Hash)
			p.sum.SetSeed(seed)
		}
	case http.StatusNotModified:
		// The client has what the validator of its request names.
		if tag := first(p.r.Header, "If-None-Match"); e.validator.tag == 0 && tag != "" && !strings.ContainsAny(tag, "*,") {
			e.validator.tag = maphash.String(seed, strings.TrimPrefix(tag, "W/"))
		}
		if m := first(p.r.Header, "If-Modified-Since"); e.validator == (validator{}) && m != "" {
			e.validator.modified = maphash.String(seed, m)
		}
	default:
		return
	}
	if d := freshness(header, now); d > 0 {
		e.fresh = now.Add(d)
	}
	e.key = resourceKey(http.MethodGet, p.origin.authority, p.page)
	e.memo = p.policy.Memory.memo(p.origin.authority, p.page, header, e.fresh, now)
	p.pulled = e
}

// end ends the plan: the handler has returned. whole says that the response was sent as it was meant to be.
func (p *Plan) end(whole bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended = true
	if p.decisions == nil || !whole || p.pulled.key == 0 || p.r.Context().Err() != nil {
		return
	}
	if p.sum != nil {
		p.pulled.validator.sum = p.sum.Sum64()
	}
	p.pulled.arrived = true
	p.diary.add(p.pulled)
}
