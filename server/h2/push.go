package h2

import (
	"encoding/binary"
	"fmt"
	"net/http"
	"time"

	"github.com/larkspur-web/larkspur/environ/wire"
	"golang.org/x/net/http2"
)

// An answer is a response with status 200 that is ready.
type answer struct {
	header http.Header
	body   []byte
}

// promisesLeft is how many promised streams may be opened now.
func (c *conn) promisesLeft() int {
	// RFC 9113, section 5.1.2: the client's SETTINGS_MAX_CONCURRENT_STREAMS limits
	// the streams that the server opens.
	return max(0, min(c.lim.promises, int(min(c.client.streams, 1<<30)))-c.streams.promises)
}

// promisable returns why st can carry no promise now, or nil.
func (st *stream) promisable() error {
	c := st.c
	c.mu.held()
	safe := st.req.method == http.MethodGet || st.req.method == http.MethodHead
	switch {
	case st.promise.parent != nil, !safe, st.state.closed, st.state.localDone:
		// RFC 9113, section 8.4: on streams that the client began and the server
		// has not ended.
		return errPushParent
	case !c.client.push, c.lim.promises < 0, c.ending.stage != serving, c.out.broken != nil,
		c.streams.lastPromised >= maxStreamID-1:
		return errPushDisabled
	case c.promisesLeft() == 0:
		return errPushLimit
	}
	return nil
}

// makePromise promises r on st, in a new stream. p says how it is answered. It
// locks c.mu, and may wait for room in the output.
func (st *stream) makePromise(r *http.Request, p promise) error {
	var room [8]wireField
	fields, err := promiseFields(room[:0], r.Header)
	if err != nil {
		return err
	}
	p.parent = st
	child := &stream{c: st.c, promise: p}
	if reason := child.promisedRequest(r); reason != "" {
		return fmt.Errorf("h2: promise of %q: %s", r.RequestURI, reason)
	}

	c := st.c
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := st.promisable(); err != nil {
		return err
	}
	// Its handler would count for the client. It is not queued as a request is: the
	// page may be among those that it would wait for.
	if c.admission.running >= c.lim.streams && p.answer == nil {
		return errPushLimit
	}
	if err := c.waitForRoom(st); err != nil {
		return err
	}
	if err := st.promisable(); err != nil {
		return err // it waited
	}
	c.openPromise(child, r.RequestURI, fields)
	if p.answer != nil {
		child.sendAnswer()
		c.scheduleFlush()
		return nil
	}
	c.admission.running++
	c.scheduleFlush()
	c.srv.workers.submit([]*stream{child}, nil)
	return nil
}

// openPromise opens the promised stream st, and puts its PUSH_PROMISE into the
// output, with a request for target that has the fields.
func (c *conn) openPromise(st *stream, target string, fields []wireField) {
	c.streams.lastPromised += 2
	st.id = c.streams.lastPromised
	st.state.remoteDone = true // RFC 9113, section 5.1: it is half-closed from the start
	st.flow.out.n = c.client.window
	st.turn.incremental = true
	c.open(st)
	page := &st.promise.parent.page
	page.promises++
	page.lastSent = c.now()
	c.sendPromise(st, target, fields)
	c.setDeadlines(st)
}

// promisedRequest makes the request of the promised stream st out of r, as far as
// somebody sees it, and returns what is wrong with that.
func (st *stream) promisedRequest(r *http.Request) (reason string) {
	method := first(r.Method, http.MethodGet)
	if method != http.MethodGet && method != http.MethodHead {
		// RFC 9113, section 8.4: safe, cacheable and without a body.
		return "only GET and HEAD can be promised"
	}
	page := &st.promise.parent.req
	if page.refused != 0 {
		return "the page has no request"
	}
	if r.RequestURI == "*" || !parseTarget(&st.req.url, r.RequestURI) {
		return "not a path"
	}
	st.req.method, st.req.host = method, page.host
	st.req.ctx.parent = st.c.ctx
	if st.promise.answer != nil {
		return "" // no handler does
	}
	header := r.Header.Clone() // the handler may change it
	if header == nil {
		header = http.Header{}
	}
	req := http.Request{
		Method: method, URL: &st.req.url, RequestURI: r.RequestURI, Host: page.host,
		Proto: "HTTP/2.0", ProtoMajor: 2, Header: header, Body: http.NoBody,
		RemoteAddr: st.c.remote, TLS: st.c.tls,
	}
	st.req.r = req.WithContext(&st.req.ctx)
	return ""
}

// promiseFields appends the fields of a promised request. RFC 9113, sections 8.2.2 and
// 8.4. Unlike those of a response, which the handler cannot check any more, what is
// wrong among them is an error.
func promiseFields(fields []wireField, h http.Header) ([]wireField, error) {
	wrong := func(name, why string) ([]wireField, error) {
		return nil, fmt.Errorf("h2: promise with field %q: %s", name, why)
	}
	for name, values := range h {
		if (wire.Connection | wire.Framing).Has(name) {
			return wrong(name, "a promised request cannot have it")
		}
		if !wire.Token(name) {
			return wrong(name, "not a name")
		}
		for _, v := range values {
			if !wire.Value(v) {
				return wrong(name, "its value is invalid")
			}
		}
		fields = appendFields(fields, name, values)
	}
	return fields, nil
}

// sendPromise puts the PUSH_PROMISE of st into the output. RFC 9113, section 6.6.
func (c *conn) sendPromise(st *stream, target string, fields []wireField) {
	at := len(c.out.buffer())
	c.out.frame(http2.FramePushPromise, 0, st.promise.parent.id, 0)
	c.out.buf = binary.BigEndian.AppendUint32(c.out.buf, st.id)
	e := &c.encoder
	out := e.begin(c.out.buf)
	if st.req.method == http.MethodHead {
		out = e.literal(out, 0, 4, fieldName{":method", 2}, st.req.method)
	} else {
		out = append(out, 0x82) // :method GET
	}
	if c.tls != nil {
		out = append(out, 0x87) // :scheme https
	} else {
		out = append(out, 0x86) // :scheme http
	}
	out = e.field(out, fieldName{":authority", 1}, st.req.host)
	out = e.literal(out, 0, 4, fieldName{":path", 4}, target)
	for _, f := range fields {
		out = e.field(out, f.name, f.value)
	}
	c.out.buf = out
	c.out.sealBlock(at, c.client.frameSize)
}

// sendAnswer puts the header of the prepared answer into the output, and hands the
// body to the scheduler. No other goroutine uses the response, so its lock is not
// needed.
func (st *stream) sendAnswer() {
	c, w, a := st.c, &st.w, st.promise.answer
	w.start(st, &c.prepared)
	w.header = a.header
	w.status = http.StatusOK
	w.takeHeader()
	w.length = -1 // sendHeader sends the length of the body that is there
	w.written = int64(len(a.body))
	end := len(a.body) == 0 || w.head
	w.sendHeader(a.body, true, end, time.Now())
	w.s = nil
	if end {
		c.endLocal(st)
		return
	}
	st.out.data, st.out.end = a.body, true
	c.startStall(st)
	c.ready.push(st)
}

// maxSentPromises is how many promised streams that were sent whole are remembered.
const maxSentPromises = 64

// sentPromises has the settled functions of the promised streams that were sent whole
// last: the client may still reset them. A newer stream takes the place of an older one.
// conn.mu guards it.
type sentPromises [maxSentPromises]sentPromise

type sentPromise struct {
	id      uint32
	settled func(error)
}

// of returns the place of a promised stream, whose identifiers are even.
func (s *sentPromises) of(id uint32) *sentPromise { return &s[id/2%maxSentPromises] }

// settle calls the settled function of a promised stream that is closed with err,
// and keeps it in sentPromises if the client may still reset the stream.
func (c *conn) settle(st *stream, err error) {
	settled := st.promise.settled
	if settled == nil {
		return
	}
	settled(err)
	if err != nil {
		return
	}
	if c.sentPromises == nil {
		c.sentPromises = new(sentPromises)
	}
	if sent := c.sentPromises.of(st.id); sent.id < st.id {
		*sent = sentPromise{st.id, settled}
	}
}

// rejected handles a reset of a stream that is closed: if it is a promise that was
// sent whole, its settled function is called again.
func (c *conn) rejected(id uint32, err error) {
	if c.sentPromises == nil {
		return
	}
	if sent := c.sentPromises.of(id); sent.id == id && sent.settled != nil {
		settled := sent.settled
		sent.settled = nil
		settled(err)
	}
}
