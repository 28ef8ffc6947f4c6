package push

import (
	"hash/maphash"
	"net/http"
	"strings"
	"sync"
	"time"
)

// A Site is where the resources of a page are.
type Site struct {
	// Handler answers the requests that may be promised. It is not called twice at once for the same page.
	Handler http.Handler
	// Mount is the path in which the resources are, without a slash at its end; others are foreign. Empty means all.
	Mount string
	// Generation, if not nil, is the number of the version of the site that serves now. What was sent by another is looked at
	// again, however fresh it is.
	Generation func() uint64
	// Prompt says that Handler returns soon after the context of its request ends. It is then run on the goroutine of the page;
	// one that is not prompt gets its own, and is left behind at the deadline.
	Prompt bool
	// TryAcquire, if not nil, takes what the server hands out to those who run its handlers. It must not wait.
	TryAcquire func() (release func(), ok bool)
}

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

// A Plan decides for one request. A nil *Plan decides nothing. It is safe for concurrent use.
//
// A server calls, in this order: [Policy.Begin]; [Plan.Start]; while the handler runs any number of [Plan.Push] and [Plan.Hint];
// [Plan.Commit] before the final header goes out; [Plan.Sum] with the bytes of the body; [Plan.End].
type Plan struct {
	policy *Policy
	site   Site
	w      http.ResponseWriter
	r      *http.Request
	page   string // target of the page
	origin origin
	conn   Promiser // nil: none can be promised
	*session

	mu         sync.Mutex
	verdicts   []Verdict
	seen       []seen
	hinted     map[string]bool // elements that a 103 had
	generation uint64
	promised   int
	bytes      int64
	waited     time.Duration
	stopped    Reason // the client, or the server, refused
	committed  bool
	ended      bool

	holding bool   // promises are made when all candidates have been decided about
	kept    []kept // and until then they are here

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

// Begin begins the plan of the request r, which w answers. It is nil if r is a promised request: none is promised from there.
func (p *Policy) Begin(w http.ResponseWriter, r *http.Request, site Site) *Plan {
	if _, ok := Pushed(r.Context()); ok {
		return nil // RFC 9113, section 8.4: a promise goes on a stream that the client began
	}
	if p == nil {
		p = &processPolicy
	}
	plan := &Plan{policy: p, site: site, w: w, r: r, page: pageTarget(r), origin: originOf(r)}
	if site.Generation != nil {
		plan.generation = site.Generation()
	}
	if !p.Off {
		if c := promiserOf(w); c != nil {
			if _, ok := c.Promises(); ok {
				plan.conn, plan.session = c, sessionOf(c)
			}
		}
	}
	return plan
}

// Busy reports whether a plan of r has anything to do even if nobody calls it and no Link field comes up: there is a map, or the client
// takes promises, so that what it is sent goes into its diary.
func (p *Policy) Busy(w http.ResponseWriter, r *http.Request) bool {
	if p == nil {
		p = &processPolicy
	}
	if p.Map != nil || p.Recorder != nil || p.Memory.on() {
		return true
	}
	if p.Off || r.ProtoMajor < 2 {
		return false
	}
	c := promiserOf(w)
	if c == nil {
		return false
	}
	_, ok := c.Promises()
	return ok
}

// Accepts reports whether the client accepts promises now.
func (p *Plan) Accepts() bool {
	if p == nil || p.conn == nil || pushPolicy(p.r.Header) == "" {
		return false
	}
	_, ok := p.conn.Promises()
	return ok
}

// Verdicts returns what has been decided up to now.
func (p *Plan) Verdicts() []Verdict {
	if p == nil {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]Verdict(nil), p.verdicts...)
}

// Start acts on the map of resources, before the handler runs.
func (p *Plan) Start() {
	if p == nil || p.policy.Map == nil || p.r.Method != http.MethodGet {
		return
	}
	links := p.policy.Map.Links(p.page)
	if len(links) == 0 {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
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

// Commit acts on the Link fields of the final response, before its header goes out, and takes out of the header
// what the client is not to see.
func (p *Plan) Commit(status int, header http.Header) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.committed || status < 200 && status != http.StatusSwitchingProtocols {
		return
	}
	p.committed = true
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
	e := entry{validator: validatorOf(header), generation: p.generation}
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

// Summing reports whether [Plan.Sum] wants the bytes of the body: there is nothing else to tell one state of the
// resource from another.
func (p *Plan) Summing() bool { return p != nil && p.sum != nil }

// Sum takes bytes of the body, in the order in which they are sent.
func (p *Plan) Sum(b []byte) {
	if p.Summing() {
		p.sum.Write(b)
	}
}

// SumString is Sum for a string.
func (p *Plan) SumString(s string) {
	if p.Summing() {
		p.sum.WriteString(s)
	}
}

// End ends the plan: the handler has returned. whole says that the response was sent as it was meant to be.
func (p *Plan) End(whole bool) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended = true
	if !whole || p.pulled.key == 0 || p.r.Context().Err() != nil {
		return
	}
	if p.sum != nil {
		p.pulled.validator.sum = p.sum.Sum64()
	}
	p.pulled.arrived = true
	p.diary.add(p.pulled)
}
