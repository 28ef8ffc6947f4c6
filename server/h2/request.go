package h2

import (
	"encoding/binary"
	"net/http"
	"net/textproto"
	"net/url"
	"strings"

	"github.com/larkspur-web/larkspur/environ/wire"
	"golang.org/x/net/http/httpguts"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// A block is the field block of a HEADERS frame and the CONTINUATION frames that follow it.
type block struct {
	id       uint32 // 0: none is being read
	end      bool   // END_STREAM
	began    int64
	raw      int // bytes that came
	size     int // bytes of the fields, as SETTINGS_MAX_HEADER_LIST_SIZE counts
	tooLarge bool
	self     bool // it depends on itself
	fields   []hpack.HeaderField
}

// handleHeaders begins a field block. RFC 9113, section 6.2.
func (c *conn) handleHeaders(f frame) error {
	if f.id%2 == 0 {
		// RFC 9113, section 5.1.1.
		return protocolError("HEADERS on a stream that the client cannot open")
	}
	p := f.payload
	pad := 0
	if f.flags.Has(flagPadded) {
		if len(p) == 0 {
			return frameSizeError("padded HEADERS without the length of the padding")
		}
		pad = int(p[0])
		p = p[1:]
	}
	c.block = block{id: f.id, end: f.flags.Has(flagEndStream), fields: c.block.fields[:0]}
	if f.flags.Has(flagPriority) {
		if len(p) < 5 {
			return frameSizeError("HEADERS too short for their priority")
		}
		c.block.self = binary.BigEndian.Uint32(p)&maxStreamID == f.id
		p = p[5:]
	}
	if pad > len(p) {
		return protocolError("HEADERS with more padding than payload")
	}
	c.decoder.SetEmitEnabled(true)
	return c.decode(p[:len(p)-pad], f.flags)
}

func (c *conn) handleContinuation(f frame) error {
	if c.block.id == 0 {
		// RFC 9113, section 6.10.
		return protocolError("CONTINUATION of nothing")
	}
	if !c.charge(costFrame) {
		return errFlood
	}
	return c.decode(f.payload, f.flags)
}

// decode decodes a part of the block. What is beyond the limits is decoded too, since the
// decoder's table depends on it, but not kept.
func (c *conn) decode(p []byte, flags http2.Flags) error {
	b := &c.block
	b.raw += len(p)
	if b.raw > 2*c.lim.headerBytes {
		return connError{http2.ErrCodeEnhanceYourCalm, "a field block that does not end"}
	}
	if _, err := c.decoder.Write(p); err != nil {
		// RFC 9113, section 4.3.
		return connError{http2.ErrCodeCompression, err.Error()}
	}
	if !flags.Has(flagEndHeaders) {
		if b.began == 0 {
			b.began = c.now()
			c.mu.Lock()
			c.headerBy = b.began + int64(c.lim.headerTimeout)
			c.arm(c.headerBy)
			c.mu.Unlock()
		}
		return nil
	}
	if b.began != 0 {
		c.mu.Lock()
		c.headerBy = 0
		c.mu.Unlock()
	}
	id := b.id
	b.id = 0
	if err := c.decoder.Close(); err != nil {
		return connError{http2.ErrCodeCompression, err.Error()}
	}
	return c.finishBlock(id)
}

// field is called by the decoder with each field.
func (c *conn) field(f hpack.HeaderField) {
	b := &c.block
	b.size += int(f.Size())
	if b.size > c.lim.headerBytes || len(b.fields) == c.lim.headerFields {
		b.tooLarge = true
		c.decoder.SetEmitEnabled(false)
		return
	}
	b.fields = append(b.fields, f)
}

// finishBlock handles a complete block: a request, or its trailers.
func (c *conn) finishBlock(id uint32) error {
	b := &c.block
	defer clear(b.fields)
	if id <= c.lastID {
		return c.handleTrailers(id)
	}
	c.mu.Lock()
	c.lastID = id
	leaving := c.leaving(id)
	over := c.clientStreams >= c.lim.streams
	var prio priority
	if p, ok := c.early[id]; ok {
		prio = p
		delete(c.early, id)
	}
	if b.tooLarge && !c.spend(costOversize) {
		c.mu.Unlock()
		return errFlood
	}
	c.mu.Unlock()
	switch {
	case leaving:
		return nil
	case over:
		// RFC 9113, section 5.1.2.
		return streamError{id, http2.ErrCodeRefusedStream, "too many streams"}
	case b.self:
		return streamError{id, http2.ErrCodeProtocol, "a stream that depends on itself"}
	}
	st := &stream{c: c, id: id, remoteDone: b.end, priority: prio}
	if b.tooLarge {
		st.refuse(http.StatusRequestHeaderFieldsTooLarge, b)
	} else if reason := st.request(b); reason != "" {
		return streamError{id, http2.ErrCodeProtocol, reason}
	}
	c.begin(st)
	return nil
}

// A pseudo is the pseudo-fields of a request. RFC 9113, section 8.3.1.
type pseudo struct{ method, scheme, authority, path, protocol string }

// request makes the http.Request of st out of b. It returns what is wrong with it: a malformed
// request is a stream error, and reaches no handler. RFC 9113, section 8.1.1.
func (st *stream) request(b *block) (reason string) {
	var ps pseudo
	n, reason := ps.take(b.fields)
	if reason != "" {
		return reason
	}
	fields := b.fields[n:]
	header := make(http.Header, len(fields))
	values := make([]string, 0, len(fields)) // of all fields that occur once
	length := int64(-1)
	var host string
	for _, f := range fields {
		name, reason := checkField(f)
		if reason != "" {
			return reason
		}
		switch f.Name {
		case "content-length":
			n, ok := parseLength(f.Value)
			if !ok || length >= 0 && length != n {
				return "content-length that is no length, or two of them"
			}
			if length >= 0 {
				continue
			}
			length = n
		case "host":
			if host != "" {
				return "two host fields"
			}
			host = f.Value
			continue
		case "priority":
			if !st.priority.explicit {
				st.priority = parsePriority(f.Value)
			}
		}
		if have := header[name]; have != nil {
			header[name] = append(have, f.Value)
			continue
		}
		values = append(values, f.Value)
		header[name] = values[len(values)-1 : len(values) : len(values)]
	}
	if ps.authority == "" {
		ps.authority = host
	} else if host != "" && !strings.EqualFold(host, ps.authority) {
		return "host differs from :authority"
	}
	if reason := ps.check(st.c.lim.extendedConnect); reason != "" {
		return reason
	}
	if ps.protocol != "" {
		header[":protocol"] = []string{ps.protocol}
	}
	if b.end && length > 0 {
		return "content-length without DATA"
	}
	if crumbs := header["Cookie"]; len(crumbs) > 1 {
		// RFC 9113, section 8.2.3.
		header["Cookie"] = []string{strings.Join(crumbs, "; ")}
	}
	uri := ps.path
	if ps.method == http.MethodConnect && ps.protocol == "" {
		uri = ps.authority
		st.url.Host = ps.authority
	} else if !parseTarget(&st.url, ps.path) {
		return ":path is no path"
	}
	expect := false
	if v := header["Expect"]; v != nil && httpguts.HeaderValuesContainsToken(v, "100-continue") {
		delete(header, "Expect")
		expect = true
	}
	st.method = ps.method
	st.ctx.parent = st.c.ctx
	req := http.Request{
		Method: ps.method, URL: &st.url, RequestURI: uri, Host: ps.authority,
		Proto: "HTTP/2.0", ProtoMajor: 2,
		Header: header, Trailer: trailerNames(header),
		RemoteAddr: st.c.remote, Body: http.NoBody,
	}
	if ps.scheme == "https" || ps.scheme == "" {
		req.TLS = st.c.tls
	}
	if !b.end {
		st.in = &body{st: st, declared: length, expect: expect}
		st.in.wake.L = &st.in.mu
		req.Body = st.in
		req.ContentLength = length
	}
	st.req = req.WithContext(&st.ctx)
	return ""
}

// take reads the pseudo-fields, which come first, and returns how many there are.
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

// check checks the pseudo-fields. RFC 9113, sections 8.3.1 and 8.5; RFC 8441, section 4.
func (ps *pseudo) check(extended bool) string {
	if !wire.Token(ps.method) {
		return ":method is no token"
	}
	if ps.protocol != "" && (!extended || ps.method != http.MethodConnect) {
		return ":protocol without Extended CONNECT"
	}
	if ps.protocol != "" && !wire.Token(ps.protocol) {
		return ":protocol is no token"
	}
	if ps.protocol != "" && ps.authority == "" {
		return "Extended CONNECT without :authority"
	}
	if ps.method == http.MethodConnect && ps.protocol == "" {
		if ps.scheme != "" || ps.path != "" || ps.authority == "" {
			return "CONNECT with :scheme or :path, or without :authority"
		}
	} else if ps.scheme != "http" && ps.scheme != "https" {
		return ":scheme is neither http nor https"
	} else if ps.path == "" {
		return "no :path"
	} else if ps.path == "*" && ps.method != http.MethodOptions {
		return ":path is * and :method not OPTIONS"
	}
	if ps.authority != "" && !wire.Authority(ps.authority) {
		return ":authority is no host and port"
	}
	return ""
}

// checkField checks a field that is not a pseudo-field, and returns its name as net/http writes it, or
// what is wrong with it. RFC 9113, sections 8.2.1 and 8.2.2.
func checkField(f hpack.HeaderField) (name, reason string) {
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

// parseTarget parses a request target into u. Most need nothing but to be cut.
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

// trailerNames takes the names that the Trailer field announces out of h.
func trailerNames(h http.Header) http.Header {
	var t http.Header
	for _, v := range h["Trailer"] {
		for name := range strings.SplitSeq(v, ",") {
			name = textproto.CanonicalMIMEHeaderKey(textproto.TrimString(name))
			if !httpguts.ValidTrailerHeader(name) {
				continue
			}
			if t == nil {
				t = http.Header{}
			}
			t[name] = nil
		}
	}
	delete(h, "Trailer")
	return t
}
