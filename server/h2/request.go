package h2

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/larkspur-web/larkspur/environ/wire"
	"golang.org/x/net/http/httpguts"
	"golang.org/x/net/http2/hpack"
)

// request makes the http.Request of st out of b. It returns what is wrong with it:
// a malformed request is a stream error, and reaches no handler. RFC 9113, section
// 8.1.1.
func (st *stream) request(b *block) (reason string) {
	h := head{length: -1, priority: st.turn.priority, cookies: &st.c.reader.cookies}
	if reason = h.read(b); reason != "" {
		return reason
	}
	if reason = h.check(st.c.lim.extendedConnect); reason != "" {
		return reason
	}
	uri, u := h.path, &st.req.url
	if strings.IndexByte(h.path, '%') >= 0 {
		u = new(url.URL) // what is decoded is dropped with the http.Request
	}
	if h.method == http.MethodConnect && h.protocol == "" {
		uri = h.authority
		u.Host = h.authority
	} else if !parseTarget(u, h.path) {
		return ":path is no path"
	}
	st.turn.priority = h.priority
	// One allocation for the header's values, one for the http.Request; the URL and
	// the context are the stream's own.
	st.req.method, st.req.host, st.req.cost = h.method, h.authority, b.cost()
	st.req.ctx.parent = st.c.ctx
	trailer := h.header["Trailer"]
	if trailer != nil {
		delete(h.header, "Trailer")
	}
	r := http.Request{
		Method: h.method, URL: u, RequestURI: uri, Host: h.authority,
		Proto: "HTTP/2.0", ProtoMajor: 2,
		Header: h.header, Trailer: trailerNames(trailer),
		RemoteAddr: st.c.remote, Body: http.NoBody,
	}
	if h.scheme != "http" { // else it is a request for http, whichever way it came
		r.TLS = st.c.tls
	}
	expect := h.expectsContinue()
	if !b.end {
		st.req.body = newBody(st, h.length)
		st.req.body.expect = expect
		r.Body = st.req.body
		r.ContentLength = h.length
	}
	st.req.r = r.WithContext(&st.req.ctx) // the only way to set it
	return ""
}

// refuse prepares st for an answer without a handler, to a block of which only the
// beginning was kept.
func (st *stream) refuse(status int, b *block) {
	st.req.refused = status
	for _, f := range b.fields {
		if f.Name == ":method" {
			st.req.method = f.Value // is it a HEAD?
		}
	}
	st.req.ctx.parent = st.c.ctx
	if !b.end {
		st.req.body = newBody(st, -1)
		st.req.body.shut = true
	}
}

// A pseudo is the pseudo-fields of a request. RFC 9113, section 8.3.1; RFC 8441,
// section 4.
type pseudo struct{ method, scheme, authority, path, protocol string }

// A head is what a request says before its body. It is on the reader's stack while
// the request is made.
type head struct {
	pseudo
	headerMaker
	host     string   // the Host field, which the header does not have
	length   int64    // what content-length says; -1: nothing
	priority priority // what the client said before, or else the priority field
	cookies  *cookies
}

// read reads the fields of a block. It returns what is wrong with them.
func (h *head) read(b *block) (reason string) {
	n, reason := h.pseudo.take(b.fields)
	if reason != "" {
		return reason
	}
	fields := b.fields[n:]
	h.makeRoom(len(fields))
	for i := range fields {
		if reason := h.add(&fields[i]); reason != "" {
			return reason
		}
	}
	if b.end && h.length > 0 {
		// RFC 9113, section 8.1.1.
		return "content-length without DATA"
	}
	switch {
	case h.authority == "":
		h.authority = h.host
	case h.host != "" && !wire.SameAuthority(h.scheme, h.host, h.authority):
		// RFC 9113, section 8.3.1: one that names another host is malformed.
		return "host differs from :authority"
	}
	// A handler sees one Cookie field, as net/http and CGI know it.
	if crumbs := h.header["Cookie"]; len(crumbs) > 1 {
		// RFC 9113, section 8.2.3: compression may have cut it.
		h.header["Cookie"] = []string{h.cookies.join(crumbs)}
	}
	if h.protocol != "" {
		h.header[":protocol"] = []string{h.protocol}
	}
	return ""
}

// add adds a field that is not a pseudo-field to the header. It returns what is
// wrong with it.
func (h *head) add(f *hpack.HeaderField) (reason string) {
	name, reason := checkField(f)
	if reason != "" {
		return reason
	}
	switch f.Name {
	case "content-length":
		// It need not be there; but if it is, DATA must come to just as much: see
		// body.
		n, ok := parseLength(f.Value)
		if !ok || h.length >= 0 && h.length != n {
			return "content-length that is no length, or two of them"
		}
		if h.length >= 0 {
			return "" // the same once more: RFC 9110, section 8.6
		}
		h.length = n
	case "host":
		// Clients that translate HTTP/1.1 may send it, instead of :authority or
		// besides.
		if h.host != "" {
			return "two host fields"
		}
		h.host = f.Value
		return ""
	case "priority":
		if !h.priority.explicit {
			h.priority = parsePriority(f.Value)
		}
	}
	h.put(name, f.Value)
	return ""
}

// A headerMaker makes an http.Header. The values of all fields that occur once are one
// allocation.
type headerMaker struct {
	header http.Header
	values []string
}

// makeRoom begins a header of at most n values.
func (h *headerMaker) makeRoom(n int) {
	h.header = make(http.Header, n)
	h.values = make([]string, 0, n)
}

// put adds a value.
func (h *headerMaker) put(name, value string) {
	if have := h.header[name]; have != nil {
		h.header[name] = append(have, value)
		return
	}
	// The capacity keeps whoever appends from writing over the next field's value.
	h.values = append(h.values, value)
	h.header[name] = h.values[len(h.values)-1 : len(h.values) : len(h.values)]
}

// maxExpect is how long an Expect field may be that is understood.
const maxExpect = 100

// expectsContinue reports whether the client waits for a 100 before it sends the
// body, and takes the field, which the server sees to. RFC 9110, section 10.1.1.
func (h *head) expectsContinue() bool {
	v := h.header["Expect"]
	// RFC 9110, section 10.1.1, has one expectation: who has many is not searched for it.
	if len(v) != 1 || len(v[0]) > maxExpect || !httpguts.HeaderValuesContainsToken(v, "100-continue") {
		return false
	}
	delete(h.header, "Expect")
	return true
}

// take reads the pseudo-fields, which come first, and returns how many there are.
// One that comes later is found among the others, whose names have no colon. RFC
// 9113, section 8.3.
func (ps *pseudo) take(fields []hpack.HeaderField) (n int, reason string) {
	for _, f := range fields {
		if f.Name == "" || f.Name[0] != ':' {
			break
		}
		var to *string
		switch f.Name {
		case ":method":
			to = &ps.method
		case ":scheme":
			to = &ps.scheme
		case ":authority":
			to = &ps.authority
		case ":path":
			to = &ps.path
		case ":protocol":
			to = &ps.protocol
		default:
			return 0, "unknown pseudo-field"
		}
		if *to != "" {
			return 0, "a pseudo-field twice"
		}
		if f.Value == "" {
			return 0, "an empty pseudo-field"
		}
		*to = f.Value
		n++
	}
	return n, ""
}

// check checks the pseudo-fields. RFC 9113, section 8.3.1.
func (ps *pseudo) check(extended bool) (reason string) {
	connect := ps.method == http.MethodConnect
	switch {
	case !wire.Token(ps.method):
		return ":method is no token"
	case ps.authority != "" && !wire.Authority(ps.authority):
		// It has no user information either.
		return ":authority is no host and port"
	case connect && ps.protocol == "":
		if ps.scheme != "" || ps.path != "" || ps.authority == "" {
			// RFC 9113, section 8.5.
			return "CONNECT with :scheme or :path, or without :authority"
		}
		return ""
	case ps.protocol != "":
		if reason := ps.checkProtocol(connect && extended); reason != "" {
			return reason
		}
	}
	switch {
	case ps.scheme != "http" && ps.scheme != "https":
		return ":scheme is neither http nor https"
	case ps.path == "":
		return "no :path"
	}
	if _, authority, ok := wire.Target(ps.method, ps.path); !ok || authority != "" {
		return ":path is neither a path nor, of OPTIONS, *"
	}
	return ""
}

// checkProtocol checks an Extended CONNECT, if it may be one. RFC 8441, section 4.
func (ps *pseudo) checkProtocol(allowed bool) (reason string) {
	switch {
	case !allowed:
		return ":protocol without Extended CONNECT"
	case !wire.Token(ps.protocol):
		return ":protocol is no token"
	case ps.authority == "":
		return "Extended CONNECT without :authority"
	}
	return ""
}

// checkField checks a field that is not a pseudo-field, and returns its name as
// net/http writes it, or what is wrong with it. RFC 9113, sections 8.2.1 and 8.2.2.
func checkField(f *hpack.HeaderField) (name, reason string) {
	name, reason = canonicalName(f.Name)
	switch {
	case reason != "":
		return "", reason
	case !validValue(f.Value):
		return "", "the value of a field is invalid"
	case f.Name == "te" && f.Value != "trailers":
		return "", "te other than trailers"
	}
	return name, ""
}

// parseTarget parses a request target into u, as url.ParseRequestURI does, and
// reports whether it may be a :path. Most need nothing but to be cut at the query:
// FuzzTarget compares the two.
func parseTarget(u *url.URL, target string) bool {
	plain, ok := checkTarget(target)
	if !ok {
		return false
	}
	if plain {
		u.Path, u.RawQuery, ok = strings.Cut(target, "?")
		u.ForceQuery = ok && u.RawQuery == ""
		return true
	}
	parsed, err := url.ParseRequestURI(target)
	if err != nil {
		return false
	}
	*u = *parsed
	return true
}
