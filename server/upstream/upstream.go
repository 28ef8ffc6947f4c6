// Package upstream has other HTTP servers answer: gunicorn, Puma, Node, a daemon of mod_wsgi, or any
// other, behind a [server.Front] that gives them what they have not: HTTP/2, limits on clients, and
// pushes.
//
//	proxy, err := upstream.New("unix:/run/gunicorn.sock")
//	...
//	front := &server.Front{Handler: proxy}
//
// # The model
//
// A [Proxy] is an http.Handler. It passes requests on as net/http/httputil.ReverseProxy does, whose
// work most of it is, and what comes back: Link fields of a response, and of a 103 before it, are
// promised or hinted by the plan of the Front, as those of an application in this process are. A
// server that reads environ/SPEC.md ("Workers and upstreams") can ask for more, by a parameter of
// its links.
//
// With each request goes what a proxy says of it: X-Forwarded-For, -Host, -Proto and -Prefix, and the
// fields that begin with Larkspur-, of which a client's own are taken out. The path is passed on as
// it came, with that of the mount.
//
// # When one does not answer
//
// Several servers take turns. One to which no connection can be made is left out for a while, and the
// request goes to the next. A connection that was kept open, and turns out to be closed, is made
// again, if the request may be made twice or has not been sent; all that is net/http's. What is left
// is a 502, or a 504 if it took too long (LARK0603).
package upstream

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/httputil"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/larkspur-web/larkspur/environ"
	"github.com/larkspur-web/larkspur/push"
	"github.com/larkspur-web/larkspur/server"
	"github.com/larkspur-web/larkspur/server/hop"
)

// A Proxy is an http.Handler behind a [server.Front] that has other servers answer. [New] makes one.
// Its fields may be set before its first use; it is safe for concurrent use.
type Proxy struct {
	// Timeout is how long a server may take from the end of a request to the header of its response.
	// Zero means a minute, negative sets no bound.
	Timeout time.Duration
	// Dial is how long a connection to it may take to be made. Zero means 5 seconds.
	Dial time.Duration
	// Check, if not empty, is the path of a request that each server is asked every few seconds: one
	// that answers with a status from 500 on, or not at all, is left out until it does.
	Check string
	// Logger receives which servers are left out and which are back. Nil means slog.Default().
	Logger *slog.Logger

	servers []*backend
	next    atomic.Uint64 // whose turn it is
	once    sync.Once
	closed  chan struct{}
	sender  hop.Sender
	proxy   httputil.ReverseProxy
}

// New returns a Proxy to one server, or to several that take turns: http://HOST:PORT, https://HOST,
// unix:PATH, or h2c://HOST:PORT for cleartext HTTP/2.
func New(urls ...string) (*Proxy, error) {
	if len(urls) == 0 {
		return nil, errors.New("upstream: no URL: write http://HOST:PORT or unix:PATH")
	}
	p := &Proxy{closed: make(chan struct{})}
	for _, where := range urls {
		b, err := newBackend(p, where)
		if err != nil {
			return nil, err
		}
		p.servers = append(p.servers, b)
	}
	p.proxy = httputil.ReverseProxy{
		Rewrite: p.rewrite, Transport: p, ModifyResponse: endless, ErrorHandler: p.fail,
		ErrorLog: log.New(io.Discard, "", 0), // its errors come to fail, or break off the response
	}
	return p, nil
}

// Close ends the checks, and the connections that are idle. It is for when no more requests come, and
// is called once.
func (p *Proxy) Close() {
	close(p.closed)
	for _, b := range p.servers {
		b.transport.CloseIdleConnections()
	}
}

// Start begins the checks, which else the first request does. The fields must not be set any more.
func (p *Proxy) Start() { p.once.Do(p.begin) }

// ServeHTTP has a server answer a request.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.Start()
	if server.AsksUpgrade(r) {
		p.upgrade(w, r)
		return
	}
	server.BoundBody(w, r)
	s := &sending{facts: server.Facts(w, r)}
	r = r.WithContext(context.WithValue(r.Context(), sendingKey{}, s))
	if r.Body != nil && r.Body != http.NoBody {
		s.body.ReadCloser = r.Body
		r.Body = &s.body
	}
	to := &interim{ResponseWriter: server.Guard(w, r), plan: push.From(w), header: http.Header{}}
	defer to.acting.Wait()
	p.proxy.ServeHTTP(to, r)
}

// A sending is a request on its way to a server.
type sending struct {
	facts hop.Facts
	body  body
}

type sendingKey struct{}

// sendingOf is that of a request, nil of one that asks for a WebSocket.
func sendingOf(r *http.Request) *sending {
	s, _ := r.Context().Value(sendingKey{}).(*sending)
	return s
}

// A body is that of a request, and why it could not be read: its reader, a client of HTTP, takes that
// for the server's fault.
type body struct {
	io.ReadCloser
	broken atomic.Pointer[error]
}

// Read is io.Reader's.
func (b *body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil && err != io.EOF {
		b.broken.CompareAndSwap(nil, &err)
	}
	return n, err
}

// failure is that of a client whose body could not be read, nil if that was not so.
func (b *body) failure() *server.Failure {
	why := b.broken.Load()
	if why == nil {
		return nil
	}
	var large *http.MaxBytesError
	switch {
	case errors.As(*why, &large):
		return server.Refusal(environ.CodeInputTooLong, http.StatusRequestEntityTooLarge,
			fmt.Errorf("the request body has more than %d bytes", large.Limit))
	case errors.Is(*why, os.ErrDeadlineExceeded):
		return server.Refusal(environ.CodeInputBroken, http.StatusRequestTimeout, *why)
	}
	return server.Refusal(environ.CodeInputBroken, http.StatusBadRequest, *why)
}

// rewrite makes the request that a server gets. What the client said of proxies has been taken out.
func (p *Proxy) rewrite(r *httputil.ProxyRequest) {
	p.prepare(r.Out, &sendingOf(r.In).facts)
	r.SetXForwarded()
}

// prepare adds to a request what the front knows of it, and has it be for any of the servers: the
// one whose turn it is is found when it is sent.
func (p *Proxy) prepare(out *http.Request, facts *hop.Facts) {
	out.Header = maps.Clone(hop.Strip(out.Header))
	out.URL.Scheme, out.URL.Host = "http", "upstream"
	if _, ok := out.Header["User-Agent"]; !ok {
		out.Header["User-Agent"] = nil // net/http would say its own
	}
	if facts.Mount != "" {
		out.Header.Set("X-Forwarded-Prefix", facts.Mount)
	}
	p.sender.Send(facts, out.Header)
}

// fail answers a request that no server has answered.
func (p *Proxy) fail(w http.ResponseWriter, r *http.Request, err error) {
	failure := &server.Failure{Status: http.StatusBadGateway, Code: environ.CodeUpstream,
		Err: environ.Errorf(environ.CodeUpstream, "", "%v", err)}
	var slow net.Error
	if errors.As(err, &slow) && slow.Timeout() {
		failure.Status = http.StatusGatewayTimeout
	}
	var theirs *server.Failure
	if s := sendingOf(r); s != nil {
		theirs = s.body.failure()
	}
	// net/http ends the context of a client that is slow, as of one that is gone.
	if r.Context().Err() != nil && (theirs == nil || theirs.Status == http.StatusBadRequest) {
		panic(http.ErrAbortHandler) // it is gone, and gets no answer
	}
	server.Fail(w, r, cmp.Or(theirs, failure))
}

// upgrade passes a WebSocket on.
func (p *Proxy) upgrade(w http.ResponseWriter, r *http.Request) {
	facts := server.Facts(w, r)
	out := r.Clone(context.WithoutCancel(r.Context())) // it is the connection that tells of its end
	out.RequestURI, out.Body = "", nil
	p.prepare(out, &facts)
	(&httputil.ProxyRequest{In: r, Out: out}).SetXForwarded()
	out.Header["Connection"], out.Header["Upgrade"] = []string{"Upgrade"}, []string{"websocket"}
	res, err := p.RoundTrip(out)
	if err != nil {
		p.fail(w, r, err)
		return
	}
	stream, ok := res.Body.(io.ReadWriteCloser)
	if res.StatusCode != http.StatusSwitchingProtocols || !ok {
		defer res.Body.Close()
		maps.Copy(w.Header(), res.Header)
		w.WriteHeader(res.StatusCode)
		if server.Relay(w, r, res.Body, res.ContentLength < 0) != nil {
			panic(http.ErrAbortHandler)
		}
		return
	}
	_ = server.Tunnel(w, r, res.Header, stream, nil) // both ends know
}
