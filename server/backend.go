package server

import (
	"io"
	"net/http"
	"net/netip"
	"strings"
	"sync"

	"github.com/larkspur-web/larkspur/environ"
	"github.com/larkspur-web/larkspur/push"
	"github.com/larkspur-web/larkspur/server/hop"
)

// A Backend is a handler behind a [Front] that has requests answered in another process. Its
// ServeHTTP returns soon after the context of a request has ended.
type Backend interface {
	http.Handler
	// Generation is the version of what answers now: what it has answered before is looked at again
	// when that changes.
	Generation() uint64
}

// A Pinner is a Backend that can answer a page, and all that is promised with it, with one generation.
type Pinner interface {
	Backend
	// Pin pins a request to what answers now. It may return nil, if that is nothing.
	Pin() Pin
}

// A Pin is on one generation of a [Backend], until End.
type Pin interface {
	Generation() uint64
	End()
}

// Pinned returns the Pin of the request that w answers, and of all that is promised with it. If there
// is none, one is begun if begin is true; else, and where no [Front] is around, it is nil. The Front
// ends it with the request.
func Pinned(w http.ResponseWriter, r *http.Request, b Pinner, begin bool) Pin {
	x, promised := exchangeOf(w, r)
	if x == nil || x.hold == nil {
		return nil
	}
	x.arrive(r, b, promised)
	return x.hold.pinned(b, begin)
}

// pinned is the hold's Pin on b.
func (h *hold) pinned(b Pinner, begin bool) Pin {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, p := range h.pins {
		if p.backend == b {
			return p.Pin
		}
	}
	if !begin || h.over {
		return nil
	}
	p := b.Pin()
	if p != nil {
		h.pins = append(h.pins, backendPin{b, p})
	}
	return p
}

// A backendPin is a Pin, and on which it is.
type backendPin struct {
	backend Pinner
	Pin
}

// Facts returns what the [Front] around a handler knows of a request, which w answers: what a
// backend has to be told. Variables are for whoever has them.
func Facts(w http.ResponseWriter, r *http.Request) hop.Facts {
	x, promised := exchangeOf(w, r)
	if x == nil {
		x, promised = &exchange{ResponseWriter: w}, false
		x.request.Message = r
	}
	own := x.request
	own.Message = r
	f := hop.Facts{ID: own.ID()}
	f.Client = hop.Client{Peer: own.Peer(), Protocol: r.Proto, TLS: own.TLS(), Mount: own.Mount()}
	if promised {
		at, _ := placeOf(r)
		own.ScriptName = at.scriptName
		f.Mount, f.ID = own.Mount(), ""
		f.Page, _ = push.Pushed(r.Context())
	} else {
		plan := push.From(w)
		f.Promises, f.Hints = plan.Accepts(), plan.Hints()
	}
	if ip, port := own.Local(); port != 0 || ip != nil {
		at, _ := netip.AddrFromSlice(ip)
		f.Local = netip.AddrPortFrom(at.Unmap(), uint16(port))
	}
	if own.Rewritten() {
		f.Path = r.URL.Path
	}
	return f
}

// Fail answers a request that failed before anything of its response was sent, which w answers: it
// is logged, and gets the error page of the [Front] around the handler, if there is one.
func Fail(w http.ResponseWriter, r *http.Request, f *Failure) {
	x, _ := exchangeOf(w, r)
	if x == nil || x.front == nil {
		f.Write(w, r)
		return
	}
	x.turnAway(w, r, f)
}

// Refusal is the failure of a request whose client is at fault.
func Refusal(code environ.Code, status int, err error) *Failure {
	return theirs(code, status, "%v", err)
}

// AsksUpgrade reports whether a request asks for a WebSocket, in whichever HTTP it came.
func AsksUpgrade(r *http.Request) bool { return asksUpgrade(r) }

// ExpectsContinue reports whether the client of r, which w answers, does not send the body before it is
// asked to: by a 100, which is sent when the body is read first. RFC 9110, section 10.1.1.
func ExpectsContinue(w http.ResponseWriter, r *http.Request) bool {
	if strings.EqualFold(r.Header.Get("Expect"), "100-continue") {
		return true
	}
	x, promised := exchangeOf(w, r)
	if x == nil || promised {
		return false
	}
	b, ok := x.request.Message.Body.(interface{ ExpectsContinue() bool }) // of an engine, which takes the field
	return ok && b.ExpectsContinue()
}

// BoundBody bounds how long the body of r may take, as a [Gateway] does.
func BoundBody(w http.ResponseWriter, r *http.Request) { boundBody(w, r, DefaultReadTimeout) }

// Relay sends a body that another process makes to the client of r, which may take as long for each
// piece of it as for a block of an application. With flush each piece is on the wire before the
// next is read; what comes of a [h2.ClientConn] is so whenever more of it has to be waited for.
// An error is that of the body, or of a client that is gone.
func Relay(w http.ResponseWriter, r *http.Request, body io.Reader, flush bool) error {
	// One whose length is not known gets none here, which the engine would add to what it has whole.
	if b, ok := body.(interface{ Last(int) ([]byte, bool) }); ok && !flush {
		if p, ok := b.Last(buffered); ok {
			return writeLast(w, p)
		}
	}
	d := relay{ResponseWriter: w, flush: flush}
	d.arm(w, r, 0)
	if from, ok := body.(io.WriterTo); ok {
		_, err := from.WriteTo(&d)
		return err
	}
	buf := relayed.Get().(*[relayBuffer]byte)
	defer relayed.Put(buf)
	_, err := io.CopyBuffer(&d, struct{ io.Reader }{body}, buf[:])
	return err
}

// writeLast writes what ends a response: it waits for no client.
func writeLast(w http.ResponseWriter, p []byte) error {
	if len(p) == 0 {
		return nil // there may be no place for a body
	}
	_, err := w.Write(p)
	return err
}

const relayBuffer = 32 << 10

var relayed = sync.Pool{New: func() any { return new([relayBuffer]byte) }}

// Guard returns w with a bound on how long the client of r may take for each piece that is written,
// as for a block of an application.
func Guard(w http.ResponseWriter, r *http.Request) http.ResponseWriter {
	d := &relay{ResponseWriter: w}
	d.arm(w, r, 0)
	return d
}

// A relay is where a body goes.
type relay struct {
	http.ResponseWriter
	deadlines
	flush bool
}

// Unwrap is http.ResponseController's.
func (d *relay) Unwrap() http.ResponseWriter { return d.ResponseWriter }

// Flush is http.Flusher's. An error is for the next Write to find.
func (d *relay) Flush() {
	if !d.flush { // or it has been
		_ = http.NewResponseController(d.ResponseWriter).Flush()
	}
}

// Write is io.Writer's.
func (d *relay) Write(p []byte) (int, error) {
	d.sending()
	n, err := d.ResponseWriter.Write(p)
	if err == nil && d.flush {
		err = http.NewResponseController(d.ResponseWriter).Flush()
	}
	return n, err
}

// arrived notes what the front in another process knows of the request.
func (x *exchange) arrived(facts *hop.Facts) {
	x.request.ScriptName = facts.Mount
	if facts.ID != "" {
		x.request.Identify(facts.ID)
	}
}

// hopID is the id by which a front in another process knows r, "" if r did not come by one.
func hopID(r *http.Request) string {
	if facts := hop.From(r.Context()); facts != nil {
		return facts.ID
	}
	return ""
}

// speaks1 reports whether the connection that r came over is one of HTTP/1, which has its own
// fields: of the client, and not of a front that its request has come by.
func speaks1(r *http.Request) bool { return r.ProtoMajor == 1 && hop.From(r.Context()) == nil }

// pushed returns the target of the page for which r may be promised, by this process or by a front
// in another one. It is false if a client sent r.
func pushed(r *http.Request) (page string, ok bool) {
	if page, ok = push.Pushed(r.Context()); ok {
		return page, true
	}
	if facts := hop.From(r.Context()); facts != nil {
		return facts.Page, facts.Page != ""
	}
	return "", false
}
