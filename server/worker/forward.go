package worker

import (
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"strings"
	"time"

	"github.com/larkspur-web/larkspur/environ"
	"github.com/larkspur-web/larkspur/push"
	"github.com/larkspur-web/larkspur/server"
	"github.com/larkspur-web/larkspur/server/h2"
	"github.com/larkspur-web/larkspur/server/hop"
)

// ServeHTTP has a worker answer a request.
//
// It panics with http.ErrAbortHandler to break off a response whose worker has died.
func (p *Pool) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	forward(w, r, &p.sender, p.Variables, func(ctx context.Context, f *flight) (*h2.ClientConn, func(), error) {
		worker, err := p.choose(ctx)
		if err != nil {
			return nil, nil, err
		}
		worker.take(f)
		return worker.conn, func() { worker.give(f) }, nil
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
	forward(w, r, &l.sender, l.Variables, func(context.Context, *flight) (*h2.ClientConn, func(), error) {
		return l.Conn, func() {}, l.Conn.Err()
	})
}

// A take has a worker take a request in its hands, and returns its connection. give must be called
// when it has them free again.
type take func(context.Context, *flight) (c *h2.ClientConn, give func(), err error)

// forward has a worker answer r.
func forward(w http.ResponseWriter, r *http.Request, sender *hop.Sender,
	variables func(*http.Request) map[string]string, worker take) {
	facts := server.Facts(w, r)
	if variables != nil {
		facts.Variables = variables(r)
	}
	f := &flight{r.Method, r.URL.Path}
	if server.AsksUpgrade(r) {
		upgrade(w, r, sender, &facts, f, worker)
		return
	}
	body := bodyOf(w, r)
	defer body.release()
	out := request(r, body, sender, &facts)
	interim := func(status int, h http.Header) error {
		switch status {
		case http.StatusContinue:
			body.ask()
		case http.StatusEarlyHints:
			push.From(w).Hint(h)
		}
		return nil
	}
	for again := false; ; again = true {
		conn, give, err := worker(r.Context(), f)
		if err != nil {
			refuse(w, r, err)
			return
		}
		res, err := conn.Do(out, interim)
		if err == nil {
			err = relay(w, r, res, body)
			give()
			if err != nil {
				panic(http.ErrAbortHandler)
			}
			return
		}
		give()
		if again || !body.repeatable(r, err) {
			fail(w, r, body, err)
			return
		}
	}
}

// request is the request that a worker gets for r.
func request(r *http.Request, b *body, sender *hop.Sender, facts *hop.Facts) *http.Request {
	ctx := r.Context()
	if r.ContentLength < 0 {
		ctx = b.outlive(ctx)
	}
	out := r.WithContext(ctx)
	out.Header = make(http.Header, len(r.Header)+2)
	maps.Copy(out.Header, hop.Strip(r.Header))
	if !strings.HasPrefix(r.RequestURI, "/") && r.RequestURI != "*" {
		// RFC 9112, section 3.2.2: the absolute form. The environ has it as it came.
		facts.Target = r.RequestURI
		out.RequestURI = r.URL.RequestURI()
	}
	sender.Send(facts, out.Header)
	out.Body, out.Trailer = http.NoBody, nil
	if b != nil {
		b.to, out.Body = out, b
		if r.ContentLength < 0 {
			hop.Announce(out)
		}
	}
	return out
}

// relay sends the response of a worker. An error says that it broke off.
func relay(w http.ResponseWriter, r *http.Request, res *http.Response, body *body) error {
	defer res.Body.Close()
	h := w.Header()
	maps.Copy(h, res.Header)
	if _, ok := h["Content-Type"]; !ok {
		h["Content-Type"] = nil // net/http would guess
	}
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
	w.WriteHeader(res.StatusCode)
	if err := server.Relay(w, r, res.Body, res.ContentLength < 0); err != nil {
		// What was sent before the fault still goes out, so that the client sees where it broke.
		_ = http.NewResponseController(w).Flush()
		return err
	}
	for name, values := range res.Trailer {
		if !strings.HasPrefix(name, "Larkspur-") {
			h[http.TrailerPrefix+name] = values
		}
	}
	if _, promised := push.Pushed(r.Context()); promised {
		fields, all := hop.Depended(res.Trailer)
		push.Depends(r.Context(), fields, all)
	}
	return nil
}

// errNone says that no worker has come in time.
var errNone = errors.New("no worker is there")

// choose returns the worker that has the least to do. If there is none it waits for one.
func (p *Pool) choose(ctx context.Context) (*process, error) {
	p.once.Do(p.begin)
	if w := p.least(); w != nil {
		return w, nil
	}
	timer := time.NewTimer(orDefault(p.Wait, 5*time.Second))
	defer timer.Stop()
	for {
		p.mu.Lock()
		awake := p.awake
		p.mu.Unlock()
		if w := p.least(); w != nil {
			return w, nil
		}
		select {
		case <-awake:
		case <-timer.C:
			return nil, errNone
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-p.closed.Done():
			return nil, errClosed
		}
	}
}

// least is the worker that has the fewest requests in its hands, nil if there is none.
func (p *Pool) least() (best *process) {
	s := p.current.Load()
	if s == nil {
		return nil
	}
	fewest := 0
	for i := range s.workers {
		w := s.workers[i].Load()
		if w == nil || w.leaving.Load() {
			continue
		}
		if n := w.conn.Streams(); best == nil || n < fewest {
			best, fewest = w, n
		}
	}
	return best
}

// refuse answers a request for which there is no worker.
func refuse(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() != nil {
		return
	}
	server.Fail(w, r, &server.Failure{Status: http.StatusServiceUnavailable, Code: environ.CodeNoWorker,
		Err: environ.Errorf(environ.CodeNoWorker, "", "no worker can answer: %v", err)})
}

// fail answers a request whose worker has not.
func fail(w http.ResponseWriter, r *http.Request, b *body, err error) {
	if failure := b.failure(); failure != nil {
		server.Fail(w, r, failure)
		return
	}
	if r.Context().Err() != nil {
		return
	}
	server.Fail(w, r, &server.Failure{Status: http.StatusBadGateway, Code: environ.CodeWorkerDied,
		Err: environ.Errorf(environ.CodeWorkerDied, "", "the worker did not answer: %v", err)})
}

// repeatable reports whether a request may be made again with another worker: it has been lost
// before it was looked at, or it may be made twice and has not been sent in part. RFC 9110, section
// 9.2.2.
func (b *body) repeatable(r *http.Request, err error) bool {
	if r.Context().Err() != nil || b.touched() {
		return false
	}
	if errors.Is(err, h2.ErrUnprocessed) {
		return true
	}
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace, http.MethodPut, http.MethodDelete:
		return true
	}
	return false
}

var _ io.ReadCloser = (*body)(nil)
