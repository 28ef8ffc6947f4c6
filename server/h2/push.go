package h2

import (
	"encoding/binary"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"time"

	"github.com/larkspur-web/larkspur/environ/wire"
	"golang.org/x/net/http2"
)

// An answer is a response with status 200 that is ready.
type answer struct {
	header http.Header
	body   []byte
}

// promisesLeft is how many promised streams may be opened now; mu is held.
func (c *conn) promisesLeft() int {
	// RFC 9113, section 5.1.2: SETTINGS_MAX_CONCURRENT_STREAMS is the client's word on it.
	return max(0, min(c.lim.promises-c.promises, int(min(c.peerStreams, 1<<30))-c.promises))
}

// promisable is why st can carry no promise; c.mu is held.
func (st *stream) promisable() error {
	c := st.c
	switch {
	case st.parent != nil || st.method != http.MethodGet && st.method != http.MethodHead || st.dead || st.localDone:
		// RFC 9113, section 8.4: on streams that the client began and the server has not ended.
		return errPushParent
	case !c.peerPush || c.lim.promises < 0 || c.stage != serving || c.broken != nil || c.promised >= maxStreamID-1:
		return errPushDisabled
	case c.promisesLeft() == 0:
		return errPushLimit
	}
	return nil
}

// promise promises r on st, in the new stream child, whose answer is prepared or else the handler's.
func (st *stream) promise(child *stream, r *http.Request) error {
	method := first(r.Method, http.MethodGet)
	if method != http.MethodGet && method != http.MethodHead {
		// RFC 9113, section 8.4: safe, cacheable and without a body.
		return fmt.Errorf("h2: promise of %s: only GET and HEAD can be promised", method)
	}
	fields, err := promiseFields(r.Header)
	if err != nil {
		return err
	}
	c := st.c
	child.c, child.method, child.parent, child.remoteDone = c, method, st, true
	child.priority.incremental = true
	if reason := child.promised(st, r.RequestURI, r.Header); reason != "" {
		return fmt.Errorf("h2: promise of %q: %s", r.RequestURI, reason)
	}

	c.mu.Lock()
	defer c.mu.Unlock()
	if err := st.promisable(); err != nil {
		return err
	}
	if c.handlers >= c.lim.streams && child.prepared == nil {
		return errPushLimit
	}
	if err := c.reserve(st); err != nil {
		return err
	}
	if err := st.promisable(); err != nil {
		return err // it waited
	}
	c.promised += 2
	child.id = c.promised
	child.window = c.peerWindow
	c.open(child)
	st.promises++
	st.lastSent = c.now()
	c.sendPromise(child, r.RequestURI, fields)
	c.setDeadlines(child)
	if child.prepared != nil {
		child.answer()
		c.kick()
		return nil
	}
	c.handlers++
	c.kick()
	c.srv.workers.submit([]*stream{child}, nil)
	return nil
}

// promised makes the request of a promised stream, and returns what is wrong with its target.
func (st *stream) promised(page *stream, target string, header http.Header) (reason string) {
	if page.req == nil {
		return "the page has no request"
	}
	if target == "*" || !parseTarget(&st.url, target) {
		return "not a path"
	}
	h := header
	if st.prepared == nil { // a handler sees it
		if h = header.Clone(); h == nil {
			h = http.Header{}
		}
	}
	st.ctx.parent = st.c.ctx
	req := http.Request{
		Method: st.method, URL: &st.url, RequestURI: target, Host: page.req.Host,
		Proto: "HTTP/2.0", ProtoMajor: 2, Header: h, Body: http.NoBody,
		RemoteAddr: st.c.remote, TLS: st.c.tls,
	}
	st.req = req.WithContext(&st.ctx)
	return ""
}

// promiseFields are the fields of a promised request. RFC 9113, sections 8.2.2 and 8.4.
func promiseFields(h http.Header) (fields []responseField, err error) {
	for name, values := range h {
		if (wire.Connection | wire.Framing).Has(name) {
			return nil, fmt.Errorf("h2: promise with field %q: a promised request cannot have it", name)
		}
		known, ok := wireName(name)
		if !ok {
			return nil, fmt.Errorf("h2: promise with field %q: not a name", name)
		}
		for _, v := range values {
			if !wire.Value(v) {
				return nil, fmt.Errorf("h2: promise with field %q: its value is invalid", name)
			}
			fields = append(fields, responseField{known, strings.Trim(v, " \t")})
		}
	}
	return fields, nil
}

// sendPromise puts the PUSH_PROMISE of child into the output; mu is held.
func (c *conn) sendPromise(child *stream, target string, fields []responseField) {
	at := len(c.outBuffer())
	c.out = appendFrame(c.outBuffer(), http2.FramePushPromise, 0, child.parent.id, 0)
	c.out = binary.BigEndian.AppendUint32(c.out, child.id)
	e := &c.encoder
	out := e.begin(c.out)
	if child.method == http.MethodHead {
		out = e.literal(out, 0, 4, fieldName{":method", 2}, child.method)
	} else {
		out = append(out, 0x82) // :method GET
	}
	if c.tls != nil {
		out = append(out, 0x87) // :scheme https
	} else {
		out = append(out, 0x86) // :scheme http
	}
	out = e.field(out, fieldName{":authority", 1}, child.req.Host)
	out = e.literal(out, 0, 4, fieldName{":path", 4}, target)
	for _, f := range fields {
		out = e.field(out, f.name, f.value)
	}
	c.out = out
	c.sealBlock(at)
}

// answer sends the prepared answer; c.mu is held.
func (st *stream) answer() {
	c := st.c
	st.w.st, st.w.length = st, -1
	st.w.head = st.method == http.MethodHead
	s := new(scratch)
	st.w.s = s
	st.w.header = st.prepared.header
	st.w.status = http.StatusOK
	st.w.take()
	st.w.trailers = nil
	body := st.prepared.body
	st.w.written = int64(len(body))
	st.w.length = -1
	end := len(body) == 0 || st.w.head
	st.w.sendHeader(body, true, end, time.Now())
	st.w.s = nil
	if end {
		c.endLocal(st)
		return
	}
	st.pending, st.pendingEnd = body, true
	if c.lim.stallTimeout > 0 {
		st.stallBy = c.now() + int64(c.lim.stallTimeout)
		c.arm(st.stallBy)
	}
	c.ready.push(st)
}

// maxLate is how many promised streams that were sent whole are remembered.
const maxLate = 64

// late are the promised streams that were sent whole and that the client may still reset, by their
// identifiers, with what is to be told then.
type late map[uint32]func(error)

// settle tells what became of st's promise, and remembers it if the client may still say otherwise;
// c.mu is held.
func (c *conn) settle(st *stream, err error) {
	if st.settled == nil {
		return
	}
	st.settled(err)
	if err != nil {
		return
	}
	if c.late == nil {
		c.late = late{}
	}
	c.late[st.id] = st.settled
	if len(c.late) > maxLate {
		maps.DeleteFunc(c.late, func(id uint32, _ func(error)) bool { return id+2*maxLate <= st.id })
	}
}

// unwanted tells that the client has reset a stream that had been sent whole; c.mu is held.
func (c *conn) unwanted(id uint32, err error) {
	if settled := c.late[id]; settled != nil {
		delete(c.late, id)
		settled(err)
	}
}
