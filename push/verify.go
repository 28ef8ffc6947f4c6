package push

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// errTooLarge is what a handler gets that writes more than can be promised.
var errTooLarge = errors.New("push: the answer is larger than the budget")

// errNotWanted is what a handler gets that writes on after the deadline.
var errNotWanted = errors.New("push: the answer is not waited for any more")

// An answer is a response that can be promised.
type answer struct {
	header    http.Header
	body      []byte
	validator validator
	fresh     time.Time
}

// verify runs the handler of the site for a request that may be promised, and returns its answer if it can be, else why not.
func (p *Plan) verify(r *http.Request, limit int64) (a *answer, reason Reason, detail string) {
	release, ok := p.policy.begin()
	if !ok {
		return nil, Limit, "too many responses are being verified"
	}
	ctx, cancel := context.WithTimeout(r.Context(), p.policy.verifyTimeout())
	c := &capture{limit: limit, head: r.Method == http.MethodHead, cancel: cancel, header: http.Header{}}
	defer cancel()
	r = r.WithContext(ctx)
	if p.h.HonorsContext != nil && p.h.HonorsContext(r) {
		detail = c.run(p.h.Next, r)
		release()
		return p.judge(ctx, c, r, detail)
	}
	done := make(chan string, 1)
	go func() {
		// The handler may outlive the deadline. It holds its slot as long, and it is not heard.
		fault := c.run(p.h.Next, r)
		release() // before it is heard that it is done, so that the next one finds the slot free
		done <- fault
	}()
	select {
	case detail = <-done:
	case <-ctx.Done():
		// The handler is not waited for: what counts is what it has said.
	}
	return p.judge(ctx, c, r, detail)
}

// judge says what became of a capture whose context is ctx.
func (p *Plan) judge(ctx context.Context, c *capture, r *http.Request, detail string) (*answer, Reason, string) {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		detail = "no answer within " + p.policy.verifyTimeout().String()
	}
	return c.close(r, ctx.Err(), detail)
}

// A capture is the http.ResponseWriter of a request that may be promised.
type capture struct {
	limit  int64
	head   bool
	cancel context.CancelFunc

	mu     sync.Mutex
	header http.Header // what the handler has in its hands
	sent   http.Header // what it was when the header was written
	status int
	body   []byte
	over   bool // the body is larger than limit
	closed bool
}

// run runs h for r, and says what went wrong.
func (c *capture) run(h http.Handler, r *http.Request) (fault string) {
	defer func() {
		if v := recover(); v != nil {
			fault = "the handler broke off"
			if v != http.ErrAbortHandler {
				fault = fmt.Sprintf("the handler panicked: %v", v)
			}
		}
	}()
	h.ServeHTTP(c, r)
	c.WriteHeader(http.StatusOK)
	return ""
}

func (c *capture) Header() http.Header { return c.header }

func (c *capture) WriteHeader(status int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.writeHeader(status)
}

func (c *capture) writeHeader(status int) {
	if c.status != 0 || c.closed || status < 200 && status != http.StatusSwitchingProtocols {
		return
	}
	c.status = status
	c.sent = c.header.Clone()
	if c.sent == nil {
		c.sent = http.Header{}
	}
	if length := first(c.sent, "Content-Length"); length != "" {
		n, err := strconv.ParseInt(length, 10, 64)
		c.over = err == nil && n > c.limit
	}
	if c.over || status != http.StatusOK {
		c.cancel() // the rest is of no use
	}
}

func (c *capture) Write(b []byte) (int, error)       { return capturing(c, b) }
func (c *capture) WriteString(s string) (int, error) { return capturing(c, s) }

func capturing[T []byte | string](c *capture, b T) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.writeHeader(http.StatusOK)
	switch {
	case c.closed:
		return 0, errNotWanted
	case c.over:
		return 0, errTooLarge
	case c.head:
		return len(b), nil
	case int64(len(c.body)+len(b)) > c.limit:
		c.over = true
		c.cancel()
		return 0, errTooLarge
	}
	c.body = append(c.body, b...)
	return len(b), nil
}

// Flush does nothing: there is nobody yet.
func (c *capture) Flush() {}

// close ends the capture. ended is what the context of the handler says, fault what went wrong.
func (c *capture) close(r *http.Request, ended error, fault string) (a *answer, reason Reason, detail string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	switch {
	case c.over:
		return nil, Budget, "more than " + strconv.FormatInt(c.limit, 10) + " bytes"
	case c.status != 0 && c.status != http.StatusOK:
		return nil, Unverified, "its status is " + strconv.Itoa(c.status)
	case fault != "":
		return nil, Unverified, fault
	case ended != nil:
		return nil, Unverified, "the page ended first"
	}
	h := c.sent
	if len(h["Set-Cookie"]) > 0 {
		return nil, Unverified, "it sets a cookie"
	}
	if !storable(h) {
		// RFC 9113, section 8.4: what is pushed must be cacheable.
		return nil, Unverified, "its Cache-Control is no-store"
	}
	if name, ok := varies(h, r.Header); ok {
		return nil, Unverified, "it varies on " + name + ", which the promised request has not got from the page"
	}
	if len(h["Trailer"]) > 0 {
		return nil, Unverified, "it has trailers"
	}
	if n := first(h, "Content-Length"); n != "" && !c.head && n != strconv.Itoa(len(c.body)) {
		return nil, Unverified, "its Content-Length is " + n + ", its body has " + strconv.Itoa(len(c.body)) + " bytes"
	}
	if len(h["Link"]) > 0 {
		hidePushOnly(h)
	}
	now := time.Now()
	a = &answer{header: h, body: c.body, validator: validatorOf(h)}
	a.validator.sum = maphash.Bytes(seed, c.body)
	if d := freshness(h, now); d > 0 {
		a.fresh = now.Add(d)
	}
	return a, "", ""
}
