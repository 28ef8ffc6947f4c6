package server

import (
	"context"
	"io"
	"net/http"
	"sync"

	"github.com/larkspur-web/larkspur/environ"
	"github.com/larkspur-web/larkspur/push"
)

// An exchange is a request on its way through a [Front], and the http.ResponseWriter of its
// response. What stands further in finds it behind its own ResponseWriter, by Unwrap; a request
// that is promised with a page finds that of the page. So a page and all that is promised with it
// share one lease of each application, and one slot.
type exchange struct {
	http.ResponseWriter
	front   *Front // nil around a Gateway that stands alone
	request environ.Request
	plan    *push.Plan // of the page; nil if nothing is planned

	written int64 // bytes of the body
	status  int32 // of the final response; 0 before it

	users int32      // handlers that are at work: that of the page, those of promised requests
	mu    sync.Mutex // guards users and what follows
	slots *Slots     // from which a slot was taken; nil if none was
	lease lease      // the first, if it has a gateway; the others hang on it
}

// exchangeOf returns the exchange that a request belongs to, which w answers, and whether the
// request is a promised one. It is nil where no Front is around.
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

// join has the handler of g begin its work in the exchange, and returns its lease, with a slot for
// the request. The handler of a page waits for a slot; that of a promised request does not, since
// the page waits for that. If there is no error, leave must follow.
func (x *exchange) join(ctx context.Context, g *Gateway, promised bool) (*lease, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.slots == nil {
		s := g.Slots.orProcess()
		if !s.try() {
			if promised {
				return nil, errFull
			}
			x.mu.Unlock()
			err := s.wait(ctx)
			x.mu.Lock()
			if err != nil {
				return nil, err
			}
		}
		if x.slots == nil {
			x.slots = s
		} else {
			s.release() // another handler of the request was first
		}
	}
	x.users++
	return x.pin(g), nil
}

// leave ends the work of a handler. The last one to leave ends the leases.
func (x *exchange) leave() {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.users--; x.users > 0 {
		return
	}
	for l := &x.lease; l != nil && l.run != nil; l = l.next {
		l.run.End()
	}
	if x.slots != nil {
		x.slots.release()
		x.slots = nil
	}
}

// pin returns the lease of an application for this request, and begins it if there is none. x.mu is
// held.
func (x *exchange) pin(g *Gateway) *lease {
	l := &x.lease
	for l.gateway != g {
		switch {
		case l.gateway == nil:
			l.exchange, l.gateway, l.run = x, g, g.App.Begin()
		case l.next == nil:
			l.next = new(lease)
			fallthrough
		default:
			l = l.next
		}
	}
	return l
}

// generation is that of the application of g for this request.
func (x *exchange) generation(g *Gateway) uint64 {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.pin(g).run.Generation()
}

// Unwrap is http.ResponseController's.
func (x *exchange) Unwrap() http.ResponseWriter { return x.ResponseWriter }

// WriteHeader notes the status for the access log.
func (x *exchange) WriteHeader(status int) {
	if x.status == 0 && (status >= 200 || status == http.StatusSwitchingProtocols) {
		x.status = int32(status)
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
