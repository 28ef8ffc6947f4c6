package push

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/larkspur-web/larkspur/environ/wire"
)

// errTooLarge is what a handler gets that writes more than can be promised.
var errTooLarge = errors.New("push: the answer is larger than the budget")

// errNotWanted is what a handler gets that writes on after the deadline.
var errNotWanted = errors.New("push: the answer is not waited for any more")

// A capture is the http.ResponseWriter of a request that may be promised, and its context, which it
// ends as soon as that cannot be any more.
type capture struct {
	deadline

	limit int64 // of the body
	head  bool  // the request has the method HEAD

	conditional bool // the answer may be that nothing has changed

	mu     sync.Mutex
	header http.Header // what the handler has in its hands; nil before it asks for it
	sent   http.Header // what it was when the header was written
	status int
	body   []byte
	read   []string // fields that the body depends on
	all    bool     // or every one of them
	over   bool     // the body is larger than limit
	closed bool
}

// Value is context.Context's: [Depends] finds the capture by it.
func (c *capture) Value(key any) any {
	if key == (captureKey{}) {
		return c
	}
	return c.deadline.Value(key)
}

// run runs h for r, and says what went wrong.
func (c *capture) run(h http.Handler, r *http.Request) (fault string) {
	defer func() {
		switch v := recover(); v {
		case nil:
		case http.ErrAbortHandler:
			fault = "the handler broke off"
		default:
			fault = fmt.Sprintf("the handler panicked: %v", v)
		}
	}()
	h.ServeHTTP(c, r)
	c.WriteHeader(http.StatusOK)
	return ""
}

func (c *capture) Header() http.Header {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.header == nil {
		c.header = http.Header{}
	}
	return c.header
}

func (c *capture) WriteHeader(status int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.writeHeader(status)
}

func (c *capture) writeHeader(status int) {
	if c.status != 0 || c.closed || status < 200 && status != http.StatusSwitchingProtocols {
		return
	}
	c.begin(status, c.header.Clone())
}

// WriteFields is [wire.FieldWriter]'s.
func (c *capture) WriteFields(status int, fields []wire.Field, length int64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.status != 0 || c.closed || c.header != nil {
		return false
	}
	h := make(http.Header, len(fields)+1)
	wire.SetFields(h, fields, length)
	c.begin(status, h)
	return true
}

// begin begins the response with the final header.
func (c *capture) begin(status int, header http.Header) {
	c.status, c.sent = status, header
	if c.sent == nil {
		c.sent = http.Header{}
	}
	if length := first(c.sent, "Content-Length"); length != "" {
		n, err := strconv.ParseInt(length, 10, 64)
		c.over = err == nil && n > c.limit
	}
	if c.over || status != http.StatusOK {
		c.end() // the rest is of no use
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
		c.end()
		return 0, errTooLarge
	}
	c.body = append(c.body, b...)
	return len(b), nil
}

// depends notes what the answer depends on.
func (c *capture) depends(fields []string, all bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closed {
		c.read, c.all = append(c.read, fields...), c.all || all
	}
}

// Flush does nothing: there is nobody yet.
func (c *capture) Flush() {}

// SetWriteDeadline is http.ResponseController's. It does nothing: nobody has to take what is written.
func (c *capture) SetWriteDeadline(time.Time) error { return nil }

// close ends the capture: what is written afterwards is lost. ended is the error of the request's
// context, fault what went wrong. What it returns is why there is no answer that could be promised.
func (c *capture) close(ended error, fault string) refusal {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	switch {
	case c.over:
		return refusal{Budget, "more than " + strconv.FormatInt(c.limit, 10) + " bytes"}
	case c.status == http.StatusNotModified && c.conditional:
		return refusal{}
	case c.status != 0 && c.status != http.StatusOK:
		return refusal{Unverified, "its status is " + strconv.Itoa(c.status)}
	case fault != "":
		return refusal{Unverified, fault}
	case ended != nil:
		return refusal{Unverified, "the page ended first"}
	}
	return refusal{}
}
