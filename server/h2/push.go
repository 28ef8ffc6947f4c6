package h2

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/larkspur-web/larkspur/environ/wire"
	"golang.org/x/net/http2"
)

// A Promise is a request that the client is told the server will answer, and how it is answered.
type Promise struct {
	Method   string      // GET or HEAD; if empty, GET
	Target   string      // a path with perhaps a query; the origin is that of the page
	Header   http.Header // of the request that is promised
	Answer   *Answer     // the answer; if nil, the server's handler gives it
	Critical bool        // send it before the page, not after
}

// An Answer is a response that is ready.
type Answer struct {
	Status int // if 0, 200
	Header http.Header
	Body   []byte // must not be changed any more
}

// A Push is a promise that was made.
type Push struct {
	id   uint32
	once sync.Once
	done chan struct{}
	err  error
	then func(error) // if not nil, called with err once it is known, while the connection's lock is held
}

// ID is the identifier of the promised stream.
func (p *Push) ID() uint32 { return p.id }

// Done is closed when the outcome is known.
func (p *Push) Done() <-chan struct{} { return p.done }

// Err is the outcome. It is nil if the answer was sent whole, as far as the server can know. A
// [ResetError] with Remote says that the client did not want it: code REFUSED_STREAM if it took
// none of it, CANCEL if it had no use for it (it is in its cache, say). Any other error is the end of the
// connection, or a handler that failed. It waits for Done.
func (p *Push) Err() error {
	<-p.done
	return p.err
}

// Refused says if err, of [Push.Err], means that the client did not take the promise.
func Refused(err error) bool {
	var r ResetError
	return errors.As(err, &r) && r.Remote && (r.Code == http2.ErrCodeRefusedStream || r.Code == http2.ErrCodeCancel)
}

func (p *Push) settle(err error) {
	p.once.Do(func() {
		p.err = err
		close(p.done)
		if p.then != nil {
			p.then(err)
		}
	})
}

// Promises is how many promises could be made on this stream now: what the client accepts, within
// the server's own limit. It is 0 if the stream cannot carry one.
func (st *Stream) Promises() int {
	st.c.mu.Lock()
	defer st.c.mu.Unlock()
	if st.promisable() != nil {
		return 0
	}
	return st.c.promisesLeft()
}

func (c *conn) promisesLeft() int {
	return max(0, min(c.lim.promises-c.promises, int(min(c.peerStreams, 1<<30))-c.promises))
}

// promisable is why st can carry no promise; c.mu is held.
func (st *Stream) promisable() error {
	c := st.c
	switch {
	case st.parent != nil || st.method != http.MethodGet && st.method != http.MethodHead || st.dead || st.localDone:
		// RFC 9113, section 8.4: on streams that the client began and the server has not ended.
		return ErrPushParent
	case !c.peerPush || c.lim.promises < 0 || c.stage != serving || c.broken != nil || c.promised >= maxStreamID-1:
		return ErrPushDisabled
	case c.promisesLeft() == 0:
		return ErrPushLimit
	}
	return nil
}

// Promise promises p. The PUSH_PROMISE goes out before anything that is sent on this stream
// afterwards, so that a client sees it before what refers to it. The answer is not waited for.
//
// The error is [ErrPushParent], [ErrPushDisabled] or [ErrPushLimit], or says what is wrong with p.
func (st *Stream) Promise(p Promise) (*Push, error) { return st.makePromise(p, nil) }

func (st *Stream) makePromise(p Promise, then func(error)) (*Push, error) {
	method := first(p.Method, http.MethodGet)
	if method != http.MethodGet && method != http.MethodHead {
		// RFC 9113, section 8.4: safe, cacheable and without a body.
		return nil, fmt.Errorf("h2: promise of %s: only GET and HEAD can be promised", method)
	}
	if _, ok := checkTarget(p.Target); !ok || p.Target == "*" {
		return nil, fmt.Errorf("h2: promise of %q: not a path", p.Target)
	}
	fields, err := promiseFields(p.Header)
	if err != nil {
		return nil, err
	}
	c := st.c
	child := &Stream{c: c, method: method, parent: st, critical: p.Critical, remoteDone: true, prepared: p.Answer,
		pushed: &Push{done: make(chan struct{}), then: then}}
	child.priority.incremental = true
	if reason := child.promise(st, p.Target, p.Header); reason != "" {
		return nil, fmt.Errorf("h2: promise of %q: %s", p.Target, reason)
	}

	c.mu.Lock()
	defer c.mu.Unlock()
	if err := st.promisable(); err != nil {
		return nil, err
	}
	if c.handlers >= c.lim.streams && p.Answer == nil {
		return nil, ErrPushLimit
	}
	if err := c.reserve(st); err != nil {
		return nil, err
	}
	if err := st.promisable(); err != nil {
		return nil, err // it waited
	}
	c.promised += 2
	child.id = c.promised
	child.pushed.id = child.id
	child.window = c.peerWindow
	c.open(child)
	st.promised++
	st.lastSent = c.now()
	at := len(c.outBuffer())
	c.out = appendFrame(c.outBuffer(), http2.FramePushPromise, 0, st.id, 0)
	c.out = binary.BigEndian.AppendUint32(c.out, child.id)
	e := &c.encoder
	out := e.begin(c.out)
	out = append(out, 0x82) // :method GET
	if method == http.MethodHead {
		out = e.literal(out[:len(out)-1], 0, 4, fieldName{":method", 2}, method)
	}
	out = append(out, 0x86) // :scheme http
	if c.tls != nil {
		out[len(out)-1] = 0x87
	}
	out = e.field(out, fieldName{":authority", 1}, child.req.Host)
	out = e.literal(out, 0, 4, fieldName{":path", 4}, p.Target)
	for _, f := range fields {
		out = e.field(out, f.name, f.value)
	}
	c.out = out
	c.sealBlock(at)
	c.setDeadlines(child)
	if p.Answer != nil {
		child.answer(p.Answer)
		c.kick()
		return child.pushed, nil
	}
	c.handlers++
	c.kick()
	c.srv.workers.submit([]*Stream{child}, nil)
	return child.pushed, nil
}

// promise makes the request of a promised stream.
func (st *Stream) promise(page *Stream, target string, header http.Header) (reason string) {
	if page.req == nil {
		return "the page has no request"
	}
	st.ctx.parent = st.c.ctx
	if !parseTarget(&st.url, target) {
		return "not a path"
	}
	h := header
	if st.prepared == nil { // a handler sees it
		if h = header.Clone(); h == nil {
			h = http.Header{}
		}
	}
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
		known, ok := wireName(name)
		if !ok {
			return nil, fmt.Errorf("h2: promise with field %q: not a name", name)
		}
		if (wire.Connection | wire.Framing).Has(name) {
			return nil, fmt.Errorf("h2: promise with field %q: a promised request cannot have it", name)
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

// answer sends a prepared answer; c.mu is held.
func (st *Stream) answer(a *Answer) {
	c := st.c
	st.w.st, st.w.length = st, -1
	st.w.head = st.method == http.MethodHead
	s := new(scratch)
	st.w.s = s
	st.w.header = a.Header
	st.w.status = first(a.Status, http.StatusOK)
	st.w.take()
	st.w.trailers = nil
	body := a.Body
	st.w.written = int64(len(body))
	st.w.length = -1
	if st.w.head || st.w.bodyless() {
		body = nil
	}
	st.w.sendHeader(a.Body, true, len(body) == 0, time.Now())
	st.w.s = nil
	if len(body) == 0 {
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

// Push is http.Pusher's: it promises a request that the server's handler answers. Its error is
// http.ErrNotSupported where the client accepts no promises.
func (w *response) Push(target string, o *http.PushOptions) error {
	if o == nil {
		o = new(http.PushOptions)
	}
	if rest, ok := w.ownOrigin(target); ok {
		target = rest
	}
	_, err := w.st.Promise(Promise{Method: o.Method, Target: target, Header: o.Header})
	if errors.Is(err, ErrPushDisabled) {
		return http.ErrNotSupported
	}
	return err
}

// ownOrigin takes the origin of the page from a URL.
func (w *response) ownOrigin(target string) (rest string, ok bool) {
	scheme := "http://"
	if w.st.c.tls != nil {
		scheme = "https://"
	}
	rest, ok = strings.CutPrefix(target, scheme+w.st.req.Host)
	if ok && rest == "" {
		rest = "/"
	}
	return rest, ok
}
