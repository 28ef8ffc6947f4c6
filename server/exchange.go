package server

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"

	"github.com/larkspur-web/larkspur/environ"
	"github.com/larkspur-web/larkspur/environ/wire"
	"github.com/larkspur-web/larkspur/push"
	"github.com/larkspur-web/larkspur/server/hop"
)

// An exchange is a request on its way through a [Front], and the http.ResponseWriter of its
// response. What stands further in finds it behind its own ResponseWriter, by Unwrap; a request
// that is promised with a page finds that of the page. So a page and all that is promised with it
// have one hold of the applications; so have the exchanges of Fronts that stand one behind another.
type exchange struct {
	http.ResponseWriter
	front   *Front // nil around a Gateway that stands alone
	request environ.Request
	plan    *push.Plan // of the page; nil if nothing is planned

	written int64 // bytes of the body
	status  int32 // of the final response; 0 before it

	watch *watch // nil if nobody wants to know what becomes of the request

	tunnel *tunnel // nil while the request is an ordinary one

	hold *hold // own, or that of the outermost Front
	own  hold
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

// mounted notes where a request is mounted, and returns it: middleware between the Front and the
// Gateway may change the path.
func (x *exchange) mounted(r *http.Request, m *Mount, promised bool) *http.Request {
	own := environ.Request{Message: r}
	name := m.Path
	if stripped := own.Stripped(); stripped != "" {
		name = stripped + name
	}
	if facts := hop.From(r.Context()); facts != nil {
		name = facts.Mount
	}
	if promised {
		if name != "" || m.trail != nil {
			r = r.WithContext(context.WithValue(r.Context(), placeKey{}, place{name, m.trail}))
		}
		return r
	}
	x.request.ScriptName = name
	if m.trail != nil && x.hold == &x.own { // what stands further in is on the trail
		x.hold.trail = m.trail
	}
	return r
}

// arrive notes on the trail of its mount that r has come to g.
func (x *exchange) arrive(r *http.Request, g http.Handler, promised bool) {
	t := x.hold.trail
	if promised || x.hold != &x.own {
		if at, ok := placeOf(r); ok || promised {
			t = at.trail
		}
	}
	if t != nil {
		t.note(g)
	}
}

// behind returns the exchange behind w, nil if there is none.
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

// Unwrap is http.ResponseController's.
func (x *exchange) Unwrap() http.ResponseWriter { return x.ResponseWriter }

// WriteHeader notes the status for the access log.
func (x *exchange) WriteHeader(status int) {
	if status == http.StatusSwitchingProtocols && x.streams() && x.status == 0 {
		x.switching()
		return
	}
	if x.status == 0 && (status >= 200 || status == http.StatusSwitchingProtocols) {
		x.status = int32(status)
		x.first()
	}
	x.ResponseWriter.WriteHeader(status)
}

// WriteFields is [wire.FieldWriter]'s.
func (x *exchange) WriteFields(status int, fields []wire.Field, length int64) bool {
	w, ok := x.ResponseWriter.(wire.FieldWriter)
	if !ok || !w.WriteFields(status, fields, length) {
		return false
	}
	if x.status == 0 {
		x.status = int32(status)
	}
	return true
}

// begun notes the status of a response whose handler says none.
func (x *exchange) begun() {
	if x.status == 0 {
		x.status = http.StatusOK
		x.first()
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

// Hijack is http.Hijacker's. Whatever the handler sends on the connection, for the access log it is
// another protocol.
func (x *exchange) Hijack() (net.Conn, *bufio.ReadWriter, error) { return x.take() }

// sent is how many bytes of the body, or of another protocol, have been written.
func (x *exchange) sent() int64 {
	if x.tunnel != nil && x.tunnel.taken != nil {
		return x.tunnel.taken.written.Load()
	}
	return x.written
}
