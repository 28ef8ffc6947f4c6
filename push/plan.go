package push

import (
	"hash/maphash"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/larkspur-web/larkspur/environ/wire"
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
	// As is what the resource is used for, "style" or "script" say, for a client that gets a hint
	// instead. Empty means what the end of the target tells.
	As string
}

// A Plan is what a [Handler] promises with one page, and hints at; [From] finds it. A nil *Plan
// does nothing. It is safe for concurrent use, but for what net/http is not: a 103 is sent with the
// header of the response, which must not be changed during a call of Push or Hint.
type Plan struct {
	handler *Handler
	writer  *writer
	request *http.Request

	mu       sync.Mutex
	phase    phase
	*planner // made at its first use, since most requests need none
}

// A phase is how far the response of a page has come.
type phase uint8

const (
	early     phase = iota // its final header has not been sent
	committed              // it has
	ended                  // the handler has returned
)

// start makes the planner of a page that needs one in any case, for a client that takes promises by
// promiser unless that is nil, and acts on the map of resources. It is called before Next is.
func (p *Plan) start(promiser Promiser) {
	pl := p.begin()
	if promiser != nil {
		pl.promiser, pl.conn = promiser, connectionOf(promiser)
		pl.generation = pl.generationOf(p.request)
	}
	if p.request.Method != http.MethodGet {
		return
	}
	if links := pl.policy.Map.links(pl.target); len(links) > 0 {
		pl.early(FromMap, links, nil)
	}
}

// begin returns the planner. p.mu is held.
func (p *Plan) begin() *planner {
	if p.planner == nil {
		p.planner = &planner{page: page{
			handler: p.handler, policy: p.handler.policy(), writer: p.writer, request: p.request,
			target: pageTarget(p.request), origin: originOf(p.request),
		}}
		p.planner.hints.closed = p.phase != early
	}
	return p.planner
}

// Accepts reports whether the client accepts promises now.
func (p *Plan) Accepts() bool {
	if p == nil {
		return false
	}
	if forward := p.handler.Forward; forward != nil {
		promises, _ := forward(p.request)
		return promises
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.planner != nil && p.accepts()
}

// Hints reports whether Hint can come to anything for the client: the policy lets a 103 go out to
// it, or it accepts promises.
func (p *Plan) Hints() bool {
	switch {
	case p == nil:
		return false
	case p.handler.Forward != nil:
		promises, hints := p.handler.Forward(p.request)
		return promises || hints
	}
	return p.handler.policy().hints(p.request) || p.Accepts()
}

// Promised returns how many promises have been made.
func (p *Plan) Promised() int {
	if p == nil {
		return 0
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.planner == nil {
		return 0
	}
	return p.delivery.made
}

// Verdicts returns what was decided so far, in order. It is nil if that is nothing.
func (p *Plan) Verdicts() []Verdict {
	if p == nil {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.planner == nil || len(p.decisions) == 0 {
		return nil
	}
	all := make([]Verdict, len(p.decisions))
	for i := range p.decisions {
		all[i] = p.decisions[i].verdict
	}
	return all
}

// Push promises a resource, or hints at it where the client takes no promises and the page has not
// begun. It returns when the resource has been verified, which Policy.VerifyTimeout bounds.
func (p *Plan) Push(res Resource) Verdict {
	c := candidate{source: FromCall, header: res.Header, method: res.Method,
		link: Link{Target: res.Target, Rel: "preload", As: res.As, Critical: res.Critical}}
	if p == nil {
		return c.skipped(refusal{Disabled, "the request is a promised one"})
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.phase == ended:
		return c.skipped(refusal{Disabled, "the response has ended"})
	case p.handler.Forward != nil:
		return p.forward(&c)
	}
	return p.begin().push(&c)
}

// Hint acts on fields that the application knows will be in its final response, at once: what its
// Link fields preload is promised where that can be done, and all the rest goes out as a 103.
// Fields that no 103 can have are left out. It does nothing after the final header has been sent.
func (p *Plan) Hint(header http.Header) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.phase != early {
		return
	}
	if p.handler.Forward != nil {
		sendInterim(p.writer.ResponseWriter, hintable(header))
		return
	}
	links, whole := ParseLinks(header["Link"])
	p.begin().early(FromHint, links, header)
	if !whole {
		p.overflow(FromHint)
	}
}

// commit acts on the Link fields of the final response, before its header goes out, and takes out
// of the header what the client is not to see. What it returns, if not nil, is to get the bytes of
// the body.
func (p *Plan) commit(status int, header http.Header) *maphash.Hash {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.phase = committed
	if p.handler.Forward != nil {
		return nil
	}
	if p.planner == nil && len(header["Link"]) == 0 {
		return nil
	}
	return p.begin().commit(status, header)
}

// pass is commit for a response on whose header there is nothing to act, and reports whether it is
// one.
func (p *Plan) pass(fields []wire.Field) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.handler.Forward == nil {
		named := func(f wire.Field) bool { return strings.EqualFold(f.Name, "Link") }
		if p.planner != nil || slices.ContainsFunc(fields, named) {
			return false
		}
	}
	p.phase = committed
	return true
}

// end ends the plan: the handler has returned. whole says that the client has got all of the
// response.
func (p *Plan) end(whole bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.phase = ended
	if p.planner != nil {
		p.planner.end(whole)
	}
}

// destinations are what resources are usually used for, by the end of their names.
var destinations = map[string]string{
	"css": "style",
	"js":  "script", "mjs": "script",
	"woff2": "font", "woff": "font", "ttf": "font", "otf": "font",
	"png": "image", "jpg": "image", "jpeg": "image", "gif": "image", "webp": "image",
	"avif": "image", "svg": "image", "ico": "image",
	"json": "fetch",
}

// destination returns what a resource with this target is usually used for, "" if that is unknown.
func destination(target string) string {
	target, _, _ = strings.Cut(target, "#")
	target, _, _ = strings.Cut(target, "?")
	dot := strings.LastIndexByte(target, '.')
	if dot < 0 || strings.IndexByte(target[dot:], '/') >= 0 {
		return ""
	}
	return destinations[strings.ToLower(target[dot+1:])]
}
