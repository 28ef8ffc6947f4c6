package h2

import (
	"fmt"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"slices"
	"strings"
	"sync"

	"github.com/larkspur-web/larkspur/environ/wire"
	"golang.org/x/net/http/httpguts"
	"golang.org/x/net/http2"
)

// Do sends a request, and waits for the header of its response. For each interim response
// that comes before, it calls interim, unless that is nil: on the goroutine of the caller,
// and in order. interim may make other requests on the connection, and wait for them, but
// a request waits until the server allows one more stream, and those of all who wait in
// interim count; if it returns an error, the stream is reset, and Do returns that error.
//
// It sends what it is given: the method, the scheme of r.URL, or "http", r.Host as
// :authority, or the host of r.URL, r.RequestURI as :path, just as it is, or, if that is
// empty, the one of r.URL, and the fields of r.Header, but those of a connection,
// Host and Content-Length, which r.ContentLength says. It adds no field but Trailer, for
// the keys of r.Trailer. A request that HTTP/2 cannot carry is an error before anything is
// sent. Header[":protocol"] makes a CONNECT an Extended CONNECT (RFC 8441), for which it
// waits for the server's SETTINGS; if those do not allow it, the error is
// [http.ErrNotSupported].
//
// The body is read by another goroutine until it or the response ends, and closed in any
// case; it may be read while the response is. As for any http.RoundTripper, r must not be
// changed until the response's body is closed. If r.Context ends before the response
// has come whole, the stream is reset with CANCEL, and Do, or else a Read of the body, returns
// its error.
//
// The response's body must be closed or read to its end. One that ends before all of it
// has come, because the server or the connection has failed, is an error of its Read, never
// its end.
func (c *ClientConn) Do(
	r *http.Request, interim func(status int, h http.Header) error,
) (*http.Response, error) {
	st, err := c.do(r, nil, interim, false)
	if err != nil {
		return nil, err
	}
	return &st.res, nil
}

// Forward is Do for whoever hands on a request that it has got, and the response. It sends more fields
// after those of r.Header, which have none of their names, so that r need not become another request.
// The fields of the response are a list; the Header of the response is nil. The names are as in an
// http.Header, both ways.
func (c *ClientConn) Forward(
	r *http.Request, more []wire.Field, interim func(status int, h http.Header) error,
) (*http.Response, []wire.Field, error) {
	st, err := c.do(r, more, interim, true)
	if err != nil {
		return nil, nil, err
	}
	return &st.res, st.fields, nil
}

// do makes a request, and waits for the header of its response: a list, if listed.
func (c *ClientConn) do(
	r *http.Request, more []wire.Field, interim func(status int, h http.Header) error, listed bool,
) (*clientStream, error) {
	st, err := c.begin(r, more, interim != nil, listed)
	if err != nil {
		if r.Body != nil {
			r.Body.Close()
		}
		return nil, err
	}
	return st, st.await(interim)
}

// RoundTrip is Do with no interim but the Got1xxResponse of the context's
// [httptrace.ClientTrace], if it has one. It makes a ClientConn an [http.RoundTripper].
func (c *ClientConn) RoundTrip(r *http.Request) (*http.Response, error) {
	t := httptrace.ContextClientTrace(r.Context())
	if t == nil || t.Got1xxResponse == nil {
		return c.Do(r, nil)
	}
	return c.Do(r, func(status int, h http.Header) error {
		return t.Got1xxResponse(status, textproto.MIMEHeader(h))
	})
}

// begin sends the header of a request, and has its body sent. It locks mu.
func (c *ClientConn) begin(r *http.Request, more []wire.Field, interim, listed bool) (*clientStream, error) {
	h := requestHeads.Get().(*requestHead)
	defer h.recycle()
	if err := h.read(r, more); err != nil {
		return nil, fmt.Errorf("h2: %w", err)
	}
	ctx := r.Context()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if h.protocol != "" {
		if err := c.awaitExtendedConnect(r); err != nil {
			return nil, err
		}
	}
	st := &clientStream{
		c: c, r: r, head: r.Method == http.MethodHead, interim: interim, listed: listed,
	}
	st.waiter.L, st.sending.waiter.L = &c.mu, &c.mu
	st.body.st = st
	st.chunks = st.piece[:0]
	end := r.Body == nil || r.Body == http.NoBody
	st.sending.expects = h.expects && !end
	st.watch(ctx)
	c.mu.Lock()
	err := c.enter(st)
	if err == nil {
		c.open(st, h, end)
	}
	c.mu.Unlock()
	if err != nil {
		st.unwatch()
		return nil, err
	}
	if !end {
		go st.send(h.length)
	}
	return st, nil
}

// awaitExtendedConnect waits for the server's SETTINGS, and returns an error if they do
// not allow Extended CONNECT. RFC 8441, section 3. It locks mu.
func (c *ClientConn) awaitExtendedConnect(r *http.Request) error {
	select {
	case <-c.settled:
	case <-c.done:
		return unprocessed(c.Err())
	case <-r.Context().Done():
		return r.Context().Err()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.peer.extendedConnect {
		return fmt.Errorf("h2: the server takes no Extended CONNECT: %w", http.ErrNotSupported)
	}
	return nil
}

// A requestHead is what is sent of a request before its body, checked. It is used for one
// request after another.
type requestHead struct {
	pseudo
	fields  []wireField
	length  int64 // what content-length says; -1: nothing
	expects bool  // the body is to wait for a 100
}

var requestHeads = sync.Pool{New: func() any { return new(requestHead) }}

// recycle gives h back.
func (h *requestHead) recycle() {
	clear(h.fields)
	if cap(h.fields) <= keptFields {
		*h = requestHead{fields: h.fields[:0]}
		requestHeads.Put(h)
	}
}

// read reads a request, and checks that HTTP/2 can carry it.
func (h *requestHead) read(r *http.Request, more []wire.Field) error {
	h.method = first(r.Method, http.MethodGet)
	h.authority = r.Host
	h.path = r.RequestURI
	if u := r.URL; u != nil {
		h.scheme = u.Scheme
		h.authority = first(h.authority, u.Host)
		if h.path == "" {
			h.path = u.RequestURI()
		}
	}
	h.scheme = first(h.scheme, "http")
	if v := r.Header[":protocol"]; len(v) > 0 {
		h.protocol = v[0]
	}
	if h.method == http.MethodConnect && h.protocol == "" {
		h.scheme, h.path = "", "" // RFC 9113, section 8.5
	}
	if reason := h.pseudo.check(true); reason != "" {
		return fmt.Errorf("send %s %q: %s", h.method, h.path, reason)
	}
	if h.path != "" {
		if _, ok := checkTarget(h.path); !ok {
			return fmt.Errorf("send %s %q: an octet that no :path may have", h.method, h.path)
		}
	}
	h.readLength(r)
	for name, values := range r.Header {
		if name == "Trailer" && len(r.Trailer) > 0 {
			continue // see readTrailer
		}
		if err := h.readField(name, values); err != nil {
			return err
		}
	}
	for i := range more {
		value := [...]string{more[i].Value}
		if err := h.readField(more[i].Name, value[:]); err != nil {
			return err
		}
	}
	return h.readTrailer(r)
}

// readLength reads what the content-length of a request is to be. RFC 9110, section 8.6:
// one without a body has it only where one with a body would be usual.
func (h *requestHead) readLength(r *http.Request) {
	h.length = -1
	switch {
	case r.Body != nil && r.Body != http.NoBody:
		if r.ContentLength > 0 {
			h.length = r.ContentLength
		}
	case h.method == http.MethodPost, h.method == http.MethodPut, h.method == http.MethodPatch:
		h.length = 0
	}
}

// readField reads a field of the header.
func (h *requestHead) readField(name string, values []string) error {
	known, ok := wireName(name)
	switch {
	case known.lower == "host" || known.lower == "content-length":
		return nil
	case name == ":protocol" || wire.Connection.Has(name):
		return nil
	case !ok:
		return fmt.Errorf("send a field: the name %q is invalid", name)
	}
	for _, v := range values {
		switch {
		case known.lower == "te" && v != "trailers":
			continue // RFC 9113, section 8.2.2
		case known.lower == "expect":
			h.expects = strings.EqualFold(v, "100-continue")
		}
		if !wire.Value(v) {
			return fmt.Errorf("send a field: the value of %s is invalid", known.lower)
		}
		h.fields = append(h.fields, wireField{known, wire.Trim(v)})
	}
	return nil
}

// readTrailer announces the trailers.
func (h *requestHead) readTrailer(r *http.Request) error {
	if len(r.Trailer) == 0 {
		return nil
	}
	names := make([]string, 0, len(r.Trailer))
	for name := range r.Trailer {
		name = textproto.CanonicalMIMEHeaderKey(name)
		if !wire.Token(name) || !httpguts.ValidTrailerHeader(name) {
			return fmt.Errorf("send a trailer: the name %q is invalid", name)
		}
		names = append(names, name)
	}
	slices.Sort(names) // maps have no order
	h.fields = append(h.fields, wireField{trailerName, strings.Join(names, ",")})
	return nil
}

// The names that a client adds.
var (
	trailerName   = knownNames["Trailer"]
	authorityName = fieldName{":authority", 1}
	methodName    = fieldName{":method", 2}
	pathName      = fieldName{":path", 4}
	protocolName  = fieldName{":protocol", 0}
)

// sendHead puts the header of a request into the output.
func (c *ClientConn) sendHead(id uint32, h *requestHead, end bool) {
	c.mu.held()
	var flags http2.Flags
	if end {
		flags = flagEndStream
	}
	e := &c.encoder
	at := c.out.beginHeaders(e, id, flags)
	out := e.request(c.out.buf, &h.pseudo)
	if h.length >= 0 {
		out = e.length(out, h.length)
	}
	for i := range h.fields {
		out = e.field(out, h.fields[i].name, h.fields[i].value)
	}
	c.out.buf = out
	c.out.sealBlock(at, c.peer.frameSize)
}

// request appends the pseudo-fields of a request, which come first. RFC 9113, section
// 8.3. The usual ones are in the static table.
func (e *encoder) request(dst []byte, ps *pseudo) []byte {
	switch ps.method {
	case http.MethodGet:
		dst = append(dst, 0x82)
	case http.MethodPost:
		dst = append(dst, 0x83)
	default:
		dst = e.field(dst, methodName, ps.method)
	}
	switch ps.scheme {
	case "":
	case "http":
		dst = append(dst, 0x86)
	case "https":
		dst = append(dst, 0x87)
	}
	switch ps.path {
	case "":
	case "/":
		dst = append(dst, 0x84)
	default:
		dst = e.field(dst, pathName, ps.path)
	}
	if ps.authority != "" {
		dst = e.field(dst, authorityName, ps.authority)
	}
	if ps.protocol != "" {
		dst = e.field(dst, protocolName, ps.protocol)
	}
	return dst
}
