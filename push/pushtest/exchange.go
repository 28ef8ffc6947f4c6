package pushtest

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// A Request is what a client asks for, or what a server promises as if it had.
type Request struct {
	Method    string // if empty, GET
	Scheme    string // if empty, that of the connection
	Authority string // if empty, that of the URL of Dial
	Target    string // the :path; it is sent as it is
	Header    http.Header
	Body      []byte
	Trailer   http.Header // sent after Body
}

// An Exchange is a request and what became of it. Request and Page may be read at once, all else
// once [Exchange.Wait] has returned.
type Exchange struct {
	ID      uint32 // of the stream; 0 while it waits for the server's limit of streams
	Request Request
	Page    *Exchange // on whose stream it was promised; nil if the client asked for it

	Hints    []Hint // interim responses
	Status   int    // of the final response; 0 if none came
	Header   http.Header
	Body     []byte // what was kept of it
	Size     int64  // bytes of it that came
	Trailer  http.Header
	Promises []*Exchange // on this stream, in their order

	// Times since the connection was made. Zero: it did not happen.
	Began    time.Duration // the request was sent, or promised
	Answered time.Duration // the fields of the final response
	Data     time.Duration // the first byte of its body
	Ended    time.Duration // its end, or the reset

	c    *Client
	done chan struct{}
	err  error // set before done is closed

	// What follows is of the stream, and guarded by c.mu until its end.
	window     int64 // what the server may still send
	peerWindow int64 // what the client may
	rest       []byte
	localDone  bool // the client has sent everything
	remoteDone bool // the server has
	reset      bool // by either
	begun      bool // fields of a response came
	settled    bool // it counts no more against the server's limit
	over       bool // done is closed
}

// A Hint is an interim response: 103 Early Hints, mostly.
type Hint struct {
	At     time.Duration
	Status int
	Header http.Header
}

// Get asks for target. Its outcome is that of [Exchange.Wait].
func (c *Client) Get(target string) *Exchange { return c.Do(Request{Target: target}) }

// Do sends a request and returns at once. If the server allows no more streams, the request waits
// until one ends.
func (c *Client) Do(r Request) *Exchange {
	if r.Method == "" {
		r.Method = http.MethodGet
	}
	if r.Scheme == "" {
		r.Scheme = c.scheme
	}
	if r.Authority == "" {
		r.Authority = c.authority
	}
	x := &Exchange{Request: r, c: c, done: make(chan struct{}), rest: r.Body}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.err != nil:
		c.end(x, c.err)
	case c.goAway != nil:
		c.end(x, c.goAway)
	case int64(c.open) < c.peer.streams && len(c.waiting) == 0:
		c.begin(x)
	case len(c.waiting) >= maxWaiting:
		c.end(x, errTooMany)
	default:
		c.waiting = append(c.waiting, x)
	}
	return x
}

// Wait waits for the end of the exchange. The error is nil if the response is whole; else it is a
// [*ResetError], a [*GoAwayError], or why the connection ended. After [Settings].Timeout it wraps
// context.DeadlineExceeded, and the exchange goes on.
func (x *Exchange) Wait() error {
	if err := x.c.await(x.done, "end of "+x.Request.Method+" "+x.Request.Target); err != nil {
		select {
		case <-x.done: // the exchange knows better why
		default:
			return err
		}
	}
	return x.err
}

// WaitAll waits for the exchange and for its promises. The error is that of the exchange; a promise
// tells its own with Wait.
func (x *Exchange) WaitAll() error {
	err := x.Wait()
	if x.Over() {
		for _, p := range x.Promises {
			_ = p.Wait() // it is asked again by who wants to know
		}
	}
	return err
}

// Done is closed at the end of the exchange.
func (x *Exchange) Done() <-chan struct{} { return x.done }

// Over reports whether the exchange is at its end, so that its fields may be read.
func (x *Exchange) Over() bool {
	select {
	case <-x.done:
		return true
	default:
		return false
	}
}

// Reset resets the stream with code, unless the exchange is at its end.
func (x *Exchange) Reset(code http2.ErrCode) {
	x.c.mu.Lock()
	defer x.c.mu.Unlock()
	if x.over {
		return
	}
	if x.ID == 0 {
		x.c.end(x, &ResetError{Code: code, Local: true})
		return
	}
	x.c.resetStream(x, code)
}

// URL is the whole URL of the request.
func (r Request) URL() string {
	u := url.URL{Scheme: r.Scheme, Host: r.Authority}
	return u.String() + r.Target
}

// end closes an exchange; mu is held.
func (c *Client) end(x *Exchange, err error) {
	if x.over {
		return
	}
	x.over, x.err = true, err
	x.Ended = time.Since(c.began)
	x.rest = nil
	close(x.done)
}

// header turns the fields of a block, without pseudo fields, into a map.
func header(fields []hpack.HeaderField) http.Header {
	h := http.Header{}
	for _, f := range fields {
		if !f.IsPseudo() {
			h.Add(f.Name, f.Value)
		}
	}
	return h
}

// pseudo is the value of a pseudo field, or "".
func pseudo(fields []hpack.HeaderField, name string) string {
	for _, f := range fields {
		if f.Name == name {
			return f.Value
		}
	}
	return ""
}

// quotes reports whether a Link field of h names target.
func quotes(h http.Header, target string) bool {
	for _, v := range h.Values("Link") {
		if strings.Contains(v, "<"+target+">") {
			return true
		}
	}
	return false
}
