package push

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// A page is what a planner knows of the request that it plans for. It does not change.
type page struct {
	handler    *Handler
	policy     *Policy
	writer     *writer
	request    *http.Request
	target     string
	origin     origin
	promiser   Promiser    // nil if the client takes no promises; then the next two are zero
	conn       *connection // of promiser
	generation uint64
	ctx        context.Context // of promised requests, made at its first use
}

// accepts reports whether the client accepts promises now.
func (p *page) accepts() bool {
	if p.promiser == nil || promisedMethod(p.request.Header) == "" {
		return false
	}
	_, ok := p.promiser.Promises()
	return ok && !p.conn.shunned(time.Now())
}

// generationOf returns the version of what answers r.
func (p *page) generationOf(r *http.Request) uint64 {
	if p.handler.Generation == nil {
		return 0
	}
	return p.handler.Generation(p.writer, r)
}

// locate returns the target that a link names, or, with a refusal, what it is called in a verdict.
func (p *page) locate(l *Link) (target string, no refusal) {
	target, reason := p.origin.resolve(p.target, l.Target)
	switch {
	case reason != "":
		return strings.Trim(l.Target, " \t"), refusal{reason, ""}
	case !withinMount(target, p.handler.Mount):
		return target, refusal{Foreign, "it is outside " + p.handler.Mount}
	}
	return target, refusal{}
}

// is reports whether target is that of the page.
func (p *page) is(target string) bool { return sameTarget(target, encode(p.target)) }

// isAnchor reports whether an anchor is the page, and not a part of it. RFC 8288, section 3.2.
func (p *page) isAnchor(anchor string) bool {
	target, reason := p.origin.resolve(p.target, anchor)
	return reason == "" && !strings.Contains(anchor, "#") && p.is(target)
}

// promised makes the request for target that is promised with the page. It is false if Next would
// not see it.
func (p *page) promised(method, target string, header http.Header) (r *http.Request, ok bool) {
	path, query, hasQuery := strings.Cut(target, "?")
	decoded, err := url.PathUnescape(path)
	if err != nil {
		return nil, false
	}
	prefix := p.stripped()
	if decoded, ok = strings.CutPrefix(decoded, prefix); !ok || decoded != "" && decoded[0] != '/' {
		return nil, false
	}
	u := &url.URL{Path: decoded, RawQuery: query, ForceQuery: hasQuery && query == ""}
	if prefix == "" && u.EscapedPath() != path {
		u.RawPath = path
	}
	if p.ctx == nil {
		p.ctx = context.WithValue(p.request.Context(), pageKey{}, p.writer)
	}
	request := http.Request{
		Method: method, URL: u, RequestURI: target, Proto: "HTTP/2.0", ProtoMajor: 2,
		Header: header, Body: http.NoBody,
		Host: p.request.Host, RemoteAddr: p.request.RemoteAddr, TLS: p.request.TLS,
	}
	return request.WithContext(p.ctx), true
}

// stripped returns what was cut off the path of the page before the Handler, as http.StripPrefix
// does.
func (p *page) stripped() string {
	path, _, _ := strings.Cut(p.target, "?")
	path, err := url.PathUnescape(path)
	if err != nil {
		return ""
	}
	prefix, ok := strings.CutSuffix(path, p.request.URL.Path)
	if !ok {
		return ""
	}
	return prefix
}

// pageKey is the key of the page's *writer in the context of a promised request.
type pageKey struct{}

// pageOf returns the page's writer; nil if ctx, which may be nil, is not of a promised request.
func pageOf(ctx context.Context) *writer {
	if ctx == nil {
		return nil
	}
	w, _ := ctx.Value(pageKey{}).(*writer)
	return w
}

// Pushed returns the target of the page for which the request with the context ctx is promised. It
// is false if the client sent the request itself.
func Pushed(ctx context.Context) (page string, ok bool) {
	w := pageOf(ctx)
	if w == nil {
		return "", false
	}
	return pageTarget(w.plan.request), true
}

// Depends tells, in a promised request with the context ctx, which fields of a request the answer
// depends on, in canonical form, whether the request has them or not; or that it may be all of
// them. An answer is not promised, with the reason [Personal], that depends on a field which says
// who asks (Cookie, Authorization, Referer), or on another one that the page's request has and
// the promised one has not got from it. If it may depend on all, those count that the page's
// request has and that can choose among representations, and Cookie if the page sets one. Depends
// is for handlers that know what they have read, and does nothing in any other request.
func Depends(ctx context.Context, fields []string, all bool) {
	if ctx == nil {
		return
	}
	if c, ok := ctx.Value(captureKey{}).(*capture); ok {
		c.depends(fields, all)
	}
}

// captureKey is the key of the *capture in its own context.
type captureKey struct{}

// PageOf returns, in a promised request with the context ctx, the http.ResponseWriter that the
// [Handler] gave to its Next for the page, so that whoever answers both can find what it keeps for
// the page. Nothing may be written to it, and its plan must not be used, which waits for the
// promised request. It is nil in any other request.
func PageOf(ctx context.Context) http.ResponseWriter {
	if w := pageOf(ctx); w != nil {
		return w
	}
	return nil
}
