package push

import (
	"context"
	"net/http"
	"net/textproto"
	"net/url"
	"slices"
	"strings"
)

// copied are the fields of a page's request that a promised one has too: what chooses among variants, and
// nothing that says who asks, or on which condition.
var copied = [...]string{"Accept", "Accept-Encoding", "Accept-Language", "User-Agent"}

// forbidden are fields that no promised request has, even where the caller gives them: those that identify or
// condition, that speak of a body or of the connection, and those that are the plan's.
// RFC 9113, sections 8.2.2 and 8.4.
var forbidden = []string{
	"Accept-Push-Policy", "Authorization", "Connection", "Content-Encoding", "Content-Length", "Content-Type", "Cookie", "Expect",
	"Host", "If-Match", "If-Modified-Since", "If-None-Match", "If-Range", "If-Unmodified-Since", "Keep-Alive",
	"Proxy-Authorization", "Proxy-Connection", "Range", "Referer", "Te", "Trailer", "Transfer-Encoding", "Upgrade",
}

// promisedHeader returns the fields of a promised request. faulty is the name of a field of extra that none can have.
func promisedHeader(page, extra http.Header) (h http.Header, faulty string) {
	h = make(http.Header, len(copied)+len(extra))
	for _, name := range copied {
		if values := page[name]; len(values) > 0 {
			h[name] = slices.Clip(values)
		}
	}
	for name, values := range extra {
		canonical := textproto.CanonicalMIMEHeaderKey(name)
		if !token(name) || slices.Contains(forbidden, canonical) {
			return nil, name
		}
		for _, v := range values {
			if strings.ContainsFunc(v, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }) {
				return nil, name
			}
		}
		h[canonical] = slices.Clone(values)
	}
	return h, ""
}

// token reports whether s is a token. RFC 9110, section 5.6.2.
func token(s string) bool {
	for i := range len(s) {
		c := s[i]
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0) {
			return false
		}
	}
	return s != ""
}

// pushPolicy reads the request field Accept-Push-Policy: the method of the requests to promise, "" if there are to be
// none. draft-ruellan-http-accept-push-policy, section 4.
func pushPolicy(h http.Header) (method string) {
	values := h["Accept-Push-Policy"]
	if len(values) == 0 {
		return http.MethodGet
	}
	value, _, _ := strings.Cut(values[0], ";")
	switch strings.ToLower(strings.TrimSpace(value)) {
	case "none":
		return ""
	case "head":
		return http.MethodHead
	}
	return http.MethodGet // default, fast-load, and what we do not know
}

// navigation reports whether r is, as far as can be known, for a page that a user goes to.
func navigation(r *http.Request) bool {
	mode := r.Header.Get("Sec-Fetch-Mode")
	return mode == "" || mode == "navigate"
}

// contextKey is under which the context of a promised request has the *writer of its page.
type contextKey struct{}

// Pushed returns the target of the page for which the request with the context ctx is promised. It is false if the
// client sent the request itself.
func Pushed(ctx context.Context) (page string, ok bool) {
	if w, _ := ctx.Value(contextKey{}).(*writer); w != nil {
		return pageTarget(w.plan.r), true
	}
	return "", false
}

// PageOf returns, in a promised request with the context ctx, the http.ResponseWriter that the [Handler] gave to its Next for the
// page. It is nil in any other request.
func PageOf(ctx context.Context) http.ResponseWriter {
	if w, _ := ctx.Value(contextKey{}).(*writer); w != nil {
		return w
	}
	return nil
}

// context returns the context of the requests that may be promised.
func (p *Plan) context() context.Context {
	if p.ctx == nil {
		p.ctx = context.WithValue(p.r.Context(), contextKey{}, p.w)
	}
	return p.ctx
}

// promisedRequest makes the request for target that is promised on the page p.r. It is false if the handler would not see it.
func (p *Plan) promisedRequest(method, target string, header http.Header) (*http.Request, bool) {
	path, query, hasQuery := strings.Cut(target, "?")
	decoded, ok := decode(path)
	if !ok {
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
	request := http.Request{
		Method: method, URL: u, RequestURI: target, Proto: "HTTP/2.0", ProtoMajor: 2,
		Header: header, Body: http.NoBody, Host: p.r.Host, RemoteAddr: p.r.RemoteAddr, TLS: p.r.TLS,
	}
	return request.WithContext(p.context()), true
}

// stripped returns what has been cut off the path of the page before the plan began, as http.StripPrefix does.
func (p *Plan) stripped() string {
	path, _, _ := strings.Cut(p.page, "?")
	path, _ = decode(path)
	prefix, ok := strings.CutSuffix(path, p.r.URL.Path)
	if !ok {
		return ""
	}
	return prefix
}
