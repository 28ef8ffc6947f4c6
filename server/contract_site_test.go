package server_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/textproto"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	libhost "github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/server"
	"github.com/larkspur-web/larkspur/server/h2"
	"github.com/larkspur-web/larkspur/server/worker"
	"go.starlark.net/starlark"
)

// patience is how long an event may take that must come.
const patience = 30 * time.Second

// A mode is how the client speaks to the server, and whose HTTP/2 that is.
type mode struct {
	name, proto string
	tls, xnet   bool
	hop         bool // the application answers behind a hop, as in a worker
}

var modes = []mode{
	{name: "http1", proto: "HTTP/1.1"},
	{name: "h2c", proto: "HTTP/2.0"},
	{name: "h2", proto: "HTTP/2.0", tls: true},
	{name: "h2c", proto: "HTTP/2.0", xnet: true},
	{name: "h2", proto: "HTTP/2.0", tls: true, xnet: true},
	{name: "http1", proto: "HTTP/1.1", hop: true},
	{name: "h2", proto: "HTTP/2.0", tls: true, hop: true},
}

// variants are those of a mode.
func (m mode) variants() []variant {
	if m.hop {
		return variants[:1] // what wraps the application is on one side of it
	}
	return variants
}

// String names the mode in a test.
func (m mode) String() string {
	switch {
	case m.xnet:
		return m.name + " of x/net"
	case m.hop:
		return m.name + " and a hop"
	}
	return m.name
}

func (m mode) configure(s *http.Server) error {
	if m.xnet {
		return server.ConfigureXNet(s)
	}
	return server.Configure(s)
}

// A site is a server with a client that speaks to it in one mode. What it serves can be replaced.
type site struct {
	mode      mode
	server    *http.Server
	listener  *server.Listener
	transport *http.Transport
	handler   atomic.Pointer[http.Handler]
	hops      []net.Conn

	mu   sync.Mutex
	idle *sync.Cond
	busy int // requests that are served
	away int // those that the application behind the hop has
}

// newSite starts a server.
func newSite(t testing.TB, m mode) *site {
	t.Helper()
	s := &site{mode: m}
	s.idle = sync.NewCond(&s.mu)
	certified := httptest.NewTLSServer(nil) // for its certificate
	certified.Close()
	quiet := slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	s.server = &http.Server{Handler: s, ErrorLog: quiet}
	if err := m.configure(s.server); err != nil {
		t.Fatal(err)
	}
	var protocols http.Protocols
	where := "http://127.0.0.1:0"
	switch {
	case m.tls:
		protocols.SetHTTP2(true)
		where = "https://127.0.0.1:0"
	case m.proto == "HTTP/2.0":
		protocols.SetUnencryptedHTTP2(true)
	default:
		protocols.SetHTTP1(true)
	}
	var err error
	certificate := &tls.Config{Certificates: certified.TLS.Certificates}
	if s.listener, err = server.Listen(where, certificate); err != nil {
		t.Fatal(err)
	}
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = s.server.Serve(s.listener) // until it is closed
	}()
	s.transport = &http.Transport{
		Protocols: &protocols, DisableCompression: true, ResponseHeaderTimeout: patience,
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true},
	}
	t.Cleanup(func() {
		s.transport.CloseIdleConnections()
		s.server.Close()
		<-served
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, c := range s.hops {
			c.Close()
		}
	})
	return s
}

func (s *site) serve(h http.Handler) {
	if whole, ok := h.(*server.Handler); ok && s.mode.hop {
		// Tests set up what they serve until they ask for it.
		behind := sync.OnceValue(func() http.Handler { return s.behindHop(whole) })
		h = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			behind().ServeHTTP(w, r)
		})
	}
	s.handler.Store(&h)
}

// behindHop has what h serves answer as a worker does.
func (s *site) behindHop(h *server.Handler) http.Handler {
	near, far := net.Pipe()
	s.mu.Lock()
	s.hops = append(s.hops, near)
	s.mu.Unlock()
	worked := &server.Front{Hop: true, MaxBody: -1, Logger: h.Logger, Handler: &server.Gateway{
		App: h.App, Environ: h.Environ, ServerName: h.ServerName, WriteTimeout: h.WriteTimeout,
		IdleTimeout: h.IdleTimeout, Slots: h.Slots, Logger: h.Logger,
	}}
	go worker.Serve(far, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.count(&s.away, 1) // nobody waits for its end
		defer s.count(&s.away, -1)
		worked.ServeHTTP(w, r)
	}), nil)
	link := &worker.Link{Conn: h2.NewClientConn(near, h2.ClientConfig{}), Variables: h.Variables}
	return &server.Front{Mounts: []server.Mount{{Path: h.Mount, Handler: link}}, MaxBody: h.MaxBody,
		ErrorPage: h.ErrorPage, Logger: h.Logger, Access: h.Access, Push: h.Push}
}

// ServeHTTP counts the requests that are being served.
func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.count(&s.busy, 1)
	defer s.count(&s.busy, -1)
	(*s.handler.Load()).ServeHTTP(w, r)
}

func (s *site) count(requests *int, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	*requests += n
	s.idle.Broadcast()
}

// wait waits until no request is being served: a client has its answer before the server is done.
func (s *site) wait() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.busy > 0 || s.away > 0 {
		s.idle.Wait()
	}
}

// stopped waits until no application runs. The front of a worker may still have the response.
func (s *site) stopped() {
	if !s.mode.hop {
		s.wait()
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.away > 0 {
		s.idle.Wait()
	}
}

// request makes a request for a target that is sent as it stands.
func (s *site) request(method, target string, body io.Reader) (*http.Request, error) {
	u, err := url.Parse(s.listener.URL)
	if err != nil {
		return nil, err
	}
	path, query, ok := strings.Cut(target, "?")
	u.RawQuery, u.ForceQuery = query, ok && query == ""
	if u.Path, err = url.PathUnescape(path); err != nil {
		return nil, err
	}
	u.RawPath = path
	r := &http.Request{
		Method: method, URL: u, Header: http.Header{"User-Agent": nil}, Body: http.NoBody,
	}
	if body != nil {
		r.Body, r.ContentLength = io.NopCloser(body), -1
	}
	return r, nil
}

// An answer is what a client has got.
type answer struct {
	code   int
	line   string
	fields http.Header
	early  []http.Header // of the 103s
	text   string
	cut    error // what reading the body failed with
	err    error // why there is no answer at all
}

func (a *answer) String() string {
	if a.err != nil {
		return a.err.Error()
	}
	return fmt.Sprintf("%d %v %q %v", a.code, a.fields, a.text, a.cut)
}

// ask sends a request and reads what comes to its end.
func (s *site) ask(r *http.Request) (a answer) {
	trace := &httptrace.ClientTrace{Got1xxResponse: func(code int, h textproto.MIMEHeader) error {
		if code == http.StatusEarlyHints {
			a.early = append(a.early, http.Header(h))
		}
		return nil
	}}
	traced := httptrace.WithClientTrace(context.Background(), trace)
	ctx, cancel := context.WithTimeout(traced, patience)
	defer cancel()
	res, err := s.transport.RoundTrip(r.WithContext(ctx))
	if err != nil {
		a.err = err
		return a
	}
	a.read(res)
	if a.err == nil && res.Proto != s.mode.proto {
		a.err = fmt.Errorf("the server speaks %s, not %s", res.Proto, s.mode.proto)
	}
	return a
}

func (a *answer) read(res *http.Response) {
	defer res.Body.Close()
	a.code, a.line, a.fields = res.StatusCode, res.Status, res.Header
	text, err := io.ReadAll(res.Body)
	a.text, a.cut = string(text), err
}

// octets sends them on a connection of their own, closes it for writing if they are all that will
// come, and reads one answer.
func (s *site) octets(text string, all bool) (a answer) {
	conn, err := net.Dial("tcp", s.listener.Addr().String())
	if err != nil {
		a.err = err
		return a
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(patience)) // a TCP connection has deadlines
	if _, a.err = io.WriteString(conn, text); a.err != nil {
		return a
	}
	if all {
		_ = conn.(*net.TCPConn).CloseWrite() // if it fails there is no answer
	}
	method, _, _ := strings.Cut(text, " ")
	for r := bufio.NewReader(conn); ; {
		res, err := http.ReadResponse(r, &http.Request{Method: method})
		if err != nil {
			a.err = err
			return a
		}
		if res.StatusCode == http.StatusEarlyHints {
			a.early = append(a.early, res.Header)
		}
		if res.StatusCode >= 200 {
			a.read(res)
			if res.Close && a.fields.Get("Connection") == "" {
				a.fields.Set("Connection", "close") // net/http takes it out
			}
			if strings.Contains(text, "Connection: close") {
				_, _ = io.Copy(io.Discard, r) // so that no request is under way when the next script begins
			}
			return a
		}
	}
}

// A logbook keeps what is logged.
type logbook struct {
	mu      sync.Mutex
	records []*record
}

// A record is LEVEL [CODE:] MESSAGE KEY=VALUE...
type record struct {
	text  string
	code  string
	found bool // by a command of the script
}

func (l *logbook) logger() *slog.Logger { return slog.New(l) }

func (l *logbook) Enabled(context.Context, slog.Level) bool { return true }
func (l *logbook) WithAttrs([]slog.Attr) slog.Handler       { return l }
func (l *logbook) WithGroup(string) slog.Handler            { return l }

func (l *logbook) Handle(_ context.Context, r slog.Record) error {
	rec := &record{}
	var attrs string
	r.Attrs(func(a slog.Attr) bool {
		if a.Key == "code" {
			rec.code = a.Value.String()
		}
		attrs += fmt.Sprintf(" %s=%v", a.Key, a.Value)
		return true
	})
	rec.text = r.Level.String() + " " + r.Message + attrs
	if rec.code != "" {
		message := strings.TrimPrefix(r.Message, rec.code+": ")
		rec.text = r.Level.String() + " " + rec.code + ": " + message + attrs
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.records = append(l.records, rec)
	return nil
}

func (l *logbook) all() []*record {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]*record(nil), l.records...)
}

func (l *logbook) String() string {
	var b strings.Builder
	for _, r := range l.all() {
		b.WriteString("\t" + r.text + "\n")
	}
	return b.String()
}

// A host is the module @test: what an application of a script cannot say in Starlark.
//
//	keep(name, value)   keeps a value for later requests; kept(name) gives it
//	count(name)         how often it was called with that name
//	gate(name)          waits until the test opens the gate, or the call is over
//	crash(text)         panics
//	file(bytes)         an open file
type host struct {
	mu     sync.Mutex
	values map[string]starlark.Value
	counts map[string]int
	gates  map[string]chan struct{}
	passed chan string // the gates that calls have come to
}

func newHost() *host {
	return &host{
		values: map[string]starlark.Value{}, counts: map[string]int{},
		gates: map[string]chan struct{}{}, passed: make(chan string, 1000),
	}
}

func (h *host) gate(name string) chan struct{} {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.gates[name] == nil {
		h.gates[name] = make(chan struct{})
	}
	return h.gates[name]
}

func (h *host) module() *libhost.Module {
	m := &libhost.Module{Name: "test"}
	for name, fn := range map[string]func(*starlark.Thread, starlark.Tuple) (starlark.Value, error){
		"keep": func(_ *starlark.Thread, args starlark.Tuple) (starlark.Value, error) {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.values[string(args[0].(starlark.String))] = args[1]
			return starlark.None, nil
		},
		"kept": func(_ *starlark.Thread, args starlark.Tuple) (starlark.Value, error) {
			h.mu.Lock()
			defer h.mu.Unlock()
			if v := h.values[string(args[0].(starlark.String))]; v != nil {
				return v, nil
			}
			return starlark.None, nil
		},
		"count": func(_ *starlark.Thread, args starlark.Tuple) (starlark.Value, error) {
			h.mu.Lock()
			defer h.mu.Unlock()
			name := string(args[0].(starlark.String))
			h.counts[name]++
			return starlark.MakeInt(h.counts[name]), nil
		},
		"gate": func(t *starlark.Thread, args starlark.Tuple) (starlark.Value, error) {
			name := string(args[0].(starlark.String))
			h.passed <- name
			ctx := libhost.CallOf(t).Context()
			select {
			case <-h.gate(name):
				return starlark.None, nil
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		},
		"crash": func(_ *starlark.Thread, args starlark.Tuple) (starlark.Value, error) {
			panic(string(args[0].(starlark.String)))
		},
		"file": func(_ *starlark.Thread, args starlark.Tuple) (starlark.Value, error) {
			text := string(args[0].(starlark.Bytes))
			return libhost.NewFile(memory{strings.NewReader(text)}, "memory", int64(len(text))), nil
		},
	} {
		m.Members = append(m.Members, libhost.Member{Name: name, Value: starlark.NewBuiltin(name, func(t *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, _ []starlark.Tuple) (starlark.Value, error) {
			return fn(t, args)
		})})
	}
	return m
}

// memory is an fs.File of text.
type memory struct{ *strings.Reader }

func (memory) Close() error               { return nil }
func (memory) Stat() (fs.FileInfo, error) { return nil, errors.New("not a file") }
