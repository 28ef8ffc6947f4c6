//lint:file-ignore SA1019 the client of net/http asks for no extended CONNECT

package websocket_test

import (
	"context"
	"crypto/sha1"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/coder/websocket"
	"github.com/larkspur-web/larkspur/environ/lib/body"
	ws "github.com/larkspur-web/larkspur/environ/lib/websocket"
	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/server"
	"golang.org/x/net/http2"
)

// A site is a server of one application.
type site struct {
	t      *testing.T
	addr   string
	secret bool // TLS
	slots  *server.Slots
	access *records
	log    *records
	stop   context.CancelFunc
	served chan error
}

// records are lines of a log.
type records struct {
	mu    sync.Mutex
	lines []string
	more  chan struct{} // closed by the next
}

func (r *records) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lines = append(r.lines, string(p))
	if r.more != nil {
		close(r.more)
		r.more = nil
	}
	return len(p), nil
}

func (r *records) logger() *slog.Logger { return slog.New(slog.NewTextHandler(r, nil)) }

// await waits for a line that has all of these.
func (r *records) await(t *testing.T, parts ...string) string {
	t.Helper()
	deadline := time.After(90 * time.Second)
	seen := 0
	for {
		r.mu.Lock()
		for ; seen < len(r.lines); seen++ {
			if hasAll(r.lines[seen], parts) {
				line := r.lines[seen]
				r.mu.Unlock()
				return line
			}
		}
		if r.more == nil {
			r.more = make(chan struct{})
		}
		more := r.more
		r.mu.Unlock()
		select {
		case <-more:
		case <-deadline:
			t.Fatalf("the log has no line with %q:\n%s", parts, r)
		}
	}
}

func hasAll(line string, parts []string) bool {
	for _, part := range parts {
		if !strings.Contains(line, part) {
			return false
		}
	}
	return true
}

func (r *records) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return strings.Join(r.lines, "")
}

// serve serves a script until the test ends.
func serve(t *testing.T, limits runtime.Limits, slots *server.Slots, script string) *site {
	t.Helper()
	s := &site{t: t, slots: slots, access: new(records), log: new(records), served: make(chan error, 1)}
	logger := s.log.logger()
	app := loadWith(t, s.log, limits, script)
	l, err := server.Listen("http://127.0.0.1:0", nil)
	if err != nil {
		t.Fatal(err)
	}
	s.addr = strings.TrimPrefix(l.URL, "http://")
	group := &server.Group{Logger: logger, Drain: 20 * time.Second, Handler: &server.Handler{
		App: app, Slots: slots, Logger: logger, Access: s.access.logger(),
	}}
	ctx, stop := context.WithCancel(context.Background())
	s.stop = stop
	go func() { s.served <- group.Serve(ctx, l) }()
	t.Cleanup(func() {
		stop()
		select {
		case <-s.served:
		default:
			<-s.served
		}
	})
	return s
}

// load loads a script.
func load(t *testing.T, log *records, script string) *runtime.Program {
	t.Helper()
	return loadWith(t, log, runtime.Limits{}, script)
}

func loadWith(t *testing.T, log *records, limits runtime.Limits, script string) *runtime.Program {
	t.Helper()
	app, err := runtime.Load(&runtime.Config{
		FS:      fstest.MapFS{"app.star": {Data: []byte(script)}},
		Modules: []*host.Module{body.Module(), ws.Module()}, Limits: limits, Logger: log.logger(),
	}, "app.star")
	if err != nil {
		t.Fatal(err)
	}
	return app
}

// end ends the server and waits for that.
func (s *site) end() error {
	s.stop()
	err := <-s.served
	s.served <- err
	return err
}

// protocols are those over which a WebSocket comes.
var protocols = []string{"HTTP/1.1", "HTTP/2"}

// each runs a test over each of the protocols.
func each(t *testing.T, test func(t *testing.T, proto string)) {
	for _, proto := range protocols {
		t.Run(proto, func(t *testing.T) {
			t.Parallel() // most of them wait
			test(t, proto)
		})
	}
}

// dial opens a WebSocket with the library's client.
func (s *site) dial(proto string, o *websocket.DialOptions) (*websocket.Conn, *http.Response, error) {
	if o == nil {
		o = new(websocket.DialOptions)
	}
	trusting := &tls.Config{InsecureSkipVerify: true}
	o.HTTPClient = &http.Client{Transport: &http.Transport{TLSClientConfig: trusting}}
	if proto == "HTTP/2" {
		o.HTTPClient = &http.Client{Transport: s.extended()}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	return websocket.Dial(ctx, s.scheme()+s.addr+"/chat?room=1", o)
}

func (s *site) scheme() string {
	if s.secret {
		return "https://"
	}
	return "http://"
}

// open opens a WebSocket.
func (s *site) open(t *testing.T, proto string) *websocket.Conn {
	t.Helper()
	c, res, err := s.dial(proto, nil)
	if err != nil {
		t.Fatalf("%v (%v)", err, res)
	}
	t.Cleanup(func() { c.CloseNow() })
	return c
}

// extended makes of the handshake of RFC 6455 that of RFC 8441, for a client which knows only the
// first.
func (s *site) extended() http.RoundTripper {
	return roundTrip(func(r *http.Request) (*http.Response, error) {
		res, up, err := s.connect(context.Background(), r.Header)
		if err != nil || res.StatusCode != http.StatusOK {
			return res, err
		}
		sum := sha1.Sum([]byte(r.Header.Get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
		for _, name := range []string{"Connection", "Upgrade", "Sec-WebSocket-Accept"} {
			if v := res.Header.Values(name); len(v) > 0 {
				return nil, fmt.Errorf("over HTTP/2 there is %s: %q", name, v)
			}
		}
		res.StatusCode = http.StatusSwitchingProtocols
		res.Header.Set("Connection", "Upgrade")
		res.Header.Set("Upgrade", "websocket")
		res.Header.Set("Sec-WebSocket-Accept", base64.StdEncoding.EncodeToString(sum[:]))
		res.Body = &stream{res.Body, up}
		return res, nil
	})
}

// connect asks for a WebSocket by an extended CONNECT, on a connection of its own.
func (s *site) connect(ctx context.Context, fields http.Header) (*http.Response, io.WriteCloser, error) {
	tr := &http2.Transport{
		AllowHTTP: true,
		DialTLSContext: func(ctx context.Context, network, addr string, _ *tls.Config) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, addr)
		},
	}
	if s.secret {
		tr = &http2.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	}
	s.t.Cleanup(tr.CloseIdleConnections)
	pr, pw := io.Pipe()
	r, err := http.NewRequestWithContext(ctx, http.MethodConnect, s.scheme()+s.addr+"/chat?room=1", pr)
	if err != nil {
		return nil, nil, err
	}
	for name, values := range fields {
		switch name {
		case "Connection", "Upgrade", "Sec-Websocket-Key":
		default:
			r.Header[name] = values
		}
	}
	r.Header[":protocol"] = []string{"websocket"}
	res, err := tr.RoundTrip(r)
	return res, pw, err
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// A stream is one of HTTP/2, both ways.
type stream struct {
	io.ReadCloser
	up io.WriteCloser
}

func (s *stream) Write(p []byte) (int, error) { return s.up.Write(p) }

func (s *stream) Close() error {
	s.up.Close()
	return s.ReadCloser.Close()
}

// say sends text.
func say(t *testing.T, c *websocket.Conn, text string) {
	t.Helper()
	if err := c.Write(context.Background(), websocket.MessageText, []byte(text)); err != nil {
		t.Fatal(err)
	}
}

// want reads a message, which is to be this.
func want(t *testing.T, c *websocket.Conn, text string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	_, got, err := c.Read(ctx)
	if err != nil || string(got) != text {
		t.Fatalf("got %q, %v, want %q", got, err, text)
	}
}

// wantClose reads the close.
func wantClose(t *testing.T, c *websocket.Conn, code websocket.StatusCode) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	_, got, err := c.Read(ctx)
	if websocket.CloseStatus(err) != code {
		t.Fatalf("got %q, %v, want a close with %d", got, err, code)
	}
}
