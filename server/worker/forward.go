package worker

import (
	"errors"
	"maps"
	"net/http"
	"strings"

	"github.com/larkspur-web/larkspur/environ"
	"github.com/larkspur-web/larkspur/environ/wire"
	"github.com/larkspur-web/larkspur/push"
	"github.com/larkspur-web/larkspur/server"
	"github.com/larkspur-web/larkspur/server/h2"
	"github.com/larkspur-web/larkspur/server/hop"
)

// ServeHTTP has a worker answer a request.
//
// It panics with http.ErrAbortHandler to break off a response whose worker has died.
func (p *Pool) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	forward(w, r, &p.sender, p.Variables, func(f *flight) (*h2.ClientConn, error) {
		if f.noted == nil && f.id != "" && p.Noted != nil {
			f.request, f.noted = r, make(chan struct{}, 1)
		}
		s, _ := server.Pinned(w, r, p, f.facts.Promises || f.facts.Page != "").(*set)
		worker, err := p.choose(r.Context(), s, f.facts.Page != "")
		if err != nil {
			return nil, err
		}
		worker.take(f)
		return worker.conn, nil
	})
}

// A Link is an http.Handler behind a [server.Front] that has one worker answer, whoever has started
// it, at the other end of a connection: as a [Pool] does with each of its own. The other end runs
// [Serve].
type Link struct {
	// Conn is the connection. Required.
	Conn *h2.ClientConn
	// Variables is [Pool.Variables].
	Variables func(r *http.Request) map[string]string
	// Version is what Generation returns.
	Version uint64

	sender hop.Sender
}

// Generation is [server.Backend]'s.
func (l *Link) Generation() uint64 { return l.Version }

// ServeHTTP has the worker answer a request.
func (l *Link) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	forward(w, r, &l.sender, l.Variables, func(*flight) (*h2.ClientConn, error) { return l.Conn, l.Conn.Err() })
}

// A take has a worker take a request in its hands, and returns its connection. The flight's give must
// be called when it has them free again, with what the response has come to: nil if it was whole.
type take func(*flight) (*h2.ClientConn, error)

// forward has a worker answer r.
func forward(w http.ResponseWriter, r *http.Request, sender *hop.Sender,
	variables func(*http.Request) map[string]string, worker take) {
	f := &flight{method: r.Method, path: r.URL.Path, facts: server.Facts(w, r)}
	facts := &f.facts
	f.id = facts.ID
	if variables != nil {
		facts.Variables = variables(r)
	}
	if server.AsksUpgrade(r) {
		upgrade(w, r, sender, f, worker)
		return
	}
	body := bodyOf(w, r)
	defer body.release()
	f.body = body
	out := request(r, body, facts)
	more := sender.Fields(f.fields[:0], facts)
	interims := 0
	interim := func(status int, h http.Header) error {
		if interims++; interims > maxInterims {
			return errInterims
		}
		switch status {
		case http.StatusContinue:
			body.ask()
		case http.StatusEarlyHints:
			push.From(w).Hint(h)
		}
		return nil
	}
	for tries := 1; ; tries++ {
		conn, err := worker(f)
		if err != nil {
			refuse(w, r, err)
			return
		}
		if body != nil && tries > 1 {
			out = body.sent(out)
		}
		res, fields, err := conn.Forward(out, more, interim)
		if err == nil {
			f.begins()
			stop := endless(r, fields, conn, facts.ID)
			err = relay(w, r, res, fields, body)
			stop()
			if err == nil && facts.Page != "" {
				read, all := hop.Depended(res.Trailer)
				server.Depends(r, variables, read, all)
			}
			f.give(err)
			if err != nil {
				panic(http.ErrAbortHandler)
			}
			return
		}
		f.give(err)
		if !body.untouched(out) || !f.repeatable(r, err, tries) {
			fail(w, r, f, body, err)
			return
		}
	}
}

// maxInterims is how many interim responses a response may have before it.
const maxInterims = 256

var errInterims = errors.New("worker: too many interim responses")

// request is the request that a worker gets for r, without the facts: as a rule r itself, so it is not
// to be changed.
func request(r *http.Request, b *body, facts *hop.Facts) *http.Request {
	header := hop.Strip(r.Header)
	if b != nil && b.asked != nil {
		header = maps.Clone(header)
		header["Expect"] = []string{"100-continue"}
	}
	absolute := !strings.HasPrefix(r.RequestURI, "/") && r.RequestURI != "*"
	if b == nil && len(header) == len(r.Header) && !absolute && r.Trailer == nil {
		return r
	}
	ctx := r.Context()
	if b != nil && r.ContentLength < 0 {
		ctx = b.outlive(ctx)
	}
	out := r.WithContext(ctx)
	out.Header = header
	if absolute {
		// RFC 9112, section 3.2.2: the absolute form. The environ has it as it came.
		facts.Target = r.RequestURI
		out.RequestURI = r.URL.RequestURI()
	}
	out.Body, out.Trailer = http.NoBody, nil
	if b == nil {
		return out
	}
	return b.sent(out)
}

// relay sends the response of a worker, which has these fields. An error says that it broke off.
func relay(w http.ResponseWriter, r *http.Request, res *http.Response, fields []wire.Field, body *body) error {
	defer res.Body.Close()
	begin(w, r, res, fields, body)
	if err := server.Relay(w, r, res.Body, res.ContentLength < 0); err != nil {
		// What was sent before the fault still goes out, so that the client sees where it broke.
		_ = http.NewResponseController(w).Flush()
		return err
	}
	for name, values := range res.Trailer {
		if relayed(name) {
			w.Header()[http.TrailerPrefix+name] = values
		}
	}
	return nil
}

// begin sends the header of the response of a worker.
func begin(w http.ResponseWriter, r *http.Request, res *http.Response, fields []wire.Field, body *body) {
	length := int64(-1)
	for i := range fields {
		if fields[i].Name == "Content-Length" {
			length = res.ContentLength
		}
	}
	if r.ProtoMajor > 1 && res.Trailer == nil {
		to, ok := w.(wire.FieldWriter)
		if ok && to.WriteFields(res.StatusCode, fields, length) {
			return
		}
	}
	h := w.Header()
	wire.SetFields(h, fields, length)
	if res.StatusCode == http.StatusUpgradeRequired && r.ProtoMajor == 1 {
		// RFC 9110, section 15.5.22. The field is that of a connection, and did not come over the hop.
		h["Upgrade"], h["Connection"] = []string{"websocket"}, []string{"Upgrade"}
	}
	if r.ProtoMajor == 1 && !body.whole() {
		// The worker may read on while it answers, which net/http does not expect, and then it cannot
		// use the connection again: https://go.dev/issue/68560.
		_ = http.NewResponseController(w).EnableFullDuplex()
		h["Connection"] = []string{"close"}
	}
	if r.ProtoMajor > 1 || res.ContentLength < 0 { // RFC 9112, section 7.1.2: they stand behind chunks
		for name := range res.Trailer {
			if relayed(name) {
				h.Add("Trailer", name)
			}
		}
	}
	w.WriteHeader(res.StatusCode)
}

// relayed reports whether a trailer of a worker is for the client.
func relayed(name string) bool {
	return wire.Trailing(name) && !strings.HasPrefix(name, "Larkspur-")
}

// refuse answers a request for which there is no worker.
func refuse(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() != nil {
		return
	}
	f := &server.Failure{Status: http.StatusServiceUnavailable, Code: environ.CodeNoWorker,
		Err: environ.Errorf(environ.CodeNoWorker, "", "no worker can answer: %v", err)}
	if err == errPast {
		f.Write(w, r) // nothing is wrong, and nothing is promised
		return
	}
	server.Fail(w, r, f)
}

// fail answers a request whose worker has not.
func fail(w http.ResponseWriter, r *http.Request, f *flight, b *body, err error) {
	if failure := b.failure(); failure != nil {
		server.Fail(w, r, failure)
		return
	}
	if r.Context().Err() != nil {
		return
	}
	failure := &server.Failure{Status: http.StatusBadGateway, Code: environ.CodeWorkerDied}
	if f.stuck.Load() {
		failure.Status = http.StatusGatewayTimeout
	}
	if f.worker != nil {
		err = f.worker.lost(f.id, err)
	}
	fault := environ.Errorf(failure.Code, "", "the worker did not answer: %v", err)
	fault.Err, failure.Err = err, fault
	server.Fail(w, r, failure)
}

// maxTries is how many workers a request is sent to if each of them ends before it looks at it.
const maxTries = 10

// repeatable reports whether a request, nothing of whose body has gone to a worker, may be made again
// with another one: it has been lost before it was looked at, or it may be made twice, and this was
// the first time. RFC 9110, section 9.2.2.
func (f *flight) repeatable(r *http.Request, err error, tries int) bool {
	if r.Context().Err() != nil || f.stuck.Load() || errors.Is(err, errInterims) {
		return false
	}
	if errors.Is(err, h2.ErrUnprocessed) {
		return tries < maxTries
	}
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace, http.MethodPut, http.MethodDelete:
		return tries == 1
	}
	return false
}
