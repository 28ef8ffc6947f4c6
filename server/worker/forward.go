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
	facts := server.Facts(w, r)
	if p.Variables != nil {
		facts.Variables = p.Variables(r)
	}
	if server.AsksUpgrade(r) {
		p.upgrade(w, r, &facts)
		return
	}
	body := bodyOf(w, r)
	out := request(r, body, &facts)
	for again := false; ; again = true {
		worker, err := p.choose(r.Context())
		if err != nil {
			p.refuse(w, r, err)
			return
		}
		f := &flight{r.Method, r.URL.Path}
		worker.take(f)
		res, err := worker.conn.Do(out, func(status int, h http.Header) error {
			switch status {
			case http.StatusContinue:
				body.ask()
			case http.StatusEarlyHints:
				push.From(w).Hint(h)
			}
			return nil
		})
		if err == nil {
			err = relay(w, r, res)
			worker.give(f)
			if err != nil {
				panic(http.ErrAbortHandler)
			}
			return
		}
		worker.give(f)
		if again || !body.repeatable(r, err) {
			p.fail(w, r, body, err)
			return
		}
	}
}

// request is the request that a worker gets for r.
func request(r *http.Request, body *body, facts *hop.Facts) *http.Request {
	out := &http.Request{Method: r.Method, URL: r.URL, Host: r.Host, RequestURI: r.RequestURI,
		Header: make(http.Header, len(r.Header)+8), ContentLength: r.ContentLength, Trailer: r.Trailer,
		Body: http.NoBody}
	if body.from != nil {
		out.Body = body
	}
	maps.Copy(out.Header, hop.Strip(r.Header))
	if !strings.HasPrefix(r.RequestURI, "/") && r.RequestURI != "*" {
		// RFC 9112, section 3.2.2: the absolute form. The environ has it as it came.
		facts.Target = r.RequestURI
		out.RequestURI = r.URL.RequestURI()
	}
	facts.Send(out.Header)
	return out.WithContext(r.Context())
}

// relay sends the response of a worker. An error says that it broke off.
func relay(w http.ResponseWriter, r *http.Request, res *http.Response) error {
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
	w.WriteHeader(res.StatusCode)
	if err := server.Relay(w, r, res.Body, res.ContentLength < 0); err != nil {
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
func (p *Pool) refuse(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() != nil {
		return
	}
	server.Fail(w, r, &server.Failure{Status: http.StatusServiceUnavailable, Code: environ.CodeNoWorker,
		Err: environ.Errorf(environ.CodeNoWorker, "", "no worker can answer: %v", err)})
}

// fail answers a request whose worker has not.
func (p *Pool) fail(w http.ResponseWriter, r *http.Request, b *body, err error) {
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
