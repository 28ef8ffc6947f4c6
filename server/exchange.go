package server

import (
	"context"
	"io"
	"net/http"
	"sync"

	"github.com/larkspur-web/larkspur/environ"
	"github.com/larkspur-web/larkspur/push"
)

// An exchange is a request on its way through a [Front], and the http.ResponseWriter of its response. What
// stands further in finds it behind its own ResponseWriter, by Unwrap; a request that is promised with a
// page finds that of the page. So a page and all that is promised with it share one lease of each
// application, and one slot.
type exchange struct {
	http.ResponseWriter
	front   *Front // nil around a Gateway that stands alone
	request environ.Request
	plan    *push.Plan // of the page; nil if nothing is planned

	status  int   // of the final response; 0 before it
	written int64 // bytes of the body

	mu     sync.Mutex // guards what follows
	users  int        // handlers that are at work: that of the page, those of promised requests
	leases []lease
	slots  *Slots // from which a slot was taken; nil if none was
	one    [1]lease
}

// exchangeOf returns the exchange that a request belongs to, which w answers, and whether the request is a
// promised one. It is nil where no Front is around.
func exchangeOf(w http.ResponseWriter, r *http.Request) (x *exchange, promised bool) {
	if x = behind(w); x != nil {
		return x, false
	}
	if _, promised = push.Pushed(r.Context()); promised {
		x = behind(push.PageOf(r.Context()))
	}
	return x, promised
}

func behind(w http.ResponseWriter) *exchange {
	for {
		switch v := w.(type) {
		case *exchange:
			return v
		case interface{ Unwrap() http.ResponseWriter }:
			w = v.Unwrap()
		default:
			return nil
		}
	}
}

// enter begins the work of a handler; leave ends it. The last to leave ends the leases.
func (x *exchange) enter() {
	x.mu.Lock()
	x.users++
	x.mu.Unlock()
}

func (x *exchange) leave() {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.users--; x.users > 0 {
		return
	}
	for _, l := range x.leases {
		l.run.End()
	}
	x.leases = nil
	if x.slots != nil {
		x.slots.release()
		x.slots = nil
	}
}

// Unwrap is http.ResponseController's.
func (x *exchange) Unwrap() http.ResponseWriter { return x.ResponseWriter }

// WriteHeader notes the status for the access log.
func (x *exchange) WriteHeader(status int) {
	if x.status == 0 && (status >= 200 || status == http.StatusSwitchingProtocols) {
		x.status = status
	}
	x.ResponseWriter.WriteHeader(status)
}

// begun notes the status of a response whose handler says none.
func (x *exchange) begun() {
	if x.status == 0 {
		x.status = http.StatusOK
	}
}

func (x *exchange) Write(p []byte) (int, error) {
	x.begun()
	n, err := x.ResponseWriter.Write(p)
	x.written += int64(n)
	return n, err
}

// WriteString is io.StringWriter's.
func (x *exchange) WriteString(s string) (int, error) {
	x.begun()
	n, err := io.WriteString(x.ResponseWriter, s)
	x.written += int64(n)
	return n, err
}

// ReadFrom is io.ReaderFrom's: a server may send a file without reading it.
func (x *exchange) ReadFrom(src io.Reader) (int64, error) {
	x.begun()
	n, err := io.Copy(x.ResponseWriter, src)
	x.written += n
	return n, err
}

// Flush is http.Flusher's.
func (x *exchange) Flush() { _ = x.FlushError() }

// FlushError is http.ResponseController's.
func (x *exchange) FlushError() error {
	x.begun()
	return http.NewResponseController(x.ResponseWriter).Flush()
}

// pin returns the lease of an application for this request, and begins it if there is none.
func (x *exchange) pin(g *Gateway) lease {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, l := range x.leases {
		if l.gateway == g {
			return l
		}
	}
	if x.leases == nil {
		x.leases = x.one[:0]
	}
	l := lease{g, g.App.Begin()}
	x.leases = append(x.leases, l)
	return l
}

// slot takes a slot for the request, if it has none: from s, and with its limits. The handler of a page
// waits for it; that of a promised request does not, since the page waits for that.
func (x *exchange) slot(ctx context.Context, s *Slots, wait bool) error {
	x.mu.Lock()
	has := x.slots != nil
	x.mu.Unlock()
	if has {
		return nil
	}
	taken, err := s.acquire(ctx, wait)
	if err != nil {
		return err
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.slots != nil {
		taken.release() // another handler of the request was first
	} else {
		x.slots = taken
	}
	return nil
}
