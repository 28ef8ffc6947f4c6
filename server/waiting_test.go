package server_test

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/larkspur-web/larkspur/runtime"
	rthost "github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/server"
	"go.starlark.net/starlark"
)

// waits is an application that waits in each way there is: in a sleep, for a client that does not
// read, for one that does not send.
const waits = `
PAGE = b"x" * (8 << 20)

def app(environ, start_response):
    path = environ["PATH_INFO"]
    if path == "/upload":
        environ["wsgi.input"].read()
    start_response("200 OK", [("Content-Type", "text/plain")])
    if path == "/page":
        return [PAGE]
    if path == "/blocks":
        return iter([PAGE, PAGE])
    if path == "/events":
        def events(stream):
            stream.write("first\n")
            sleep()
            stream.write("last\n")
        return events
    if path == "/sleep":
        sleep()
    return ["done"]

def iter(blocks):
    def body(stream):
        for block in blocks:
            stream.write(block)
    return body
`

// waiting loads the application waits.
func waiting(t *testing.T) *runtime.Program {
	return program(t, waits, starlark.StringDict{
		"sleep": starlark.NewBuiltin("sleep", func(t *starlark.Thread, _ *starlark.Builtin,
			_ starlark.Tuple, _ []starlark.Tuple) (starlark.Value, error) {
			return starlark.None, rthost.Sleep(t, time.Hour)
		}),
	})
}

// A crowd is clients that keep a server waiting until the test ends.
type crowd struct {
	t    *testing.T
	addr string
}

// serveWaits serves the application waits in these slots, on HTTP/1.
func serveWaits(t *testing.T, slots *server.Slots) *crowd {
	h := &server.Handler{App: waiting(t), Slots: slots, Logger: slog.New(slog.DiscardHandler)}
	s := serve(t, h)
	return &crowd{t, s.Listener.Addr().String()}
}

// wait makes n clients send a request and do nothing else.
func (c *crowd) wait(n int, request string) {
	c.t.Helper()
	for range n {
		conn, err := net.Dial("tcp", c.addr)
		if err != nil {
			c.t.Fatal(err)
		}
		_ = conn.(*net.TCPConn).SetReadBuffer(4 << 10)
		c.t.Cleanup(func() { conn.Close() })
		if _, err := io.WriteString(conn, request); err != nil {
			c.t.Fatal(err)
		}
	}
}

// get asks for a page and returns its status and body.
func (c *crowd) get(path string) (int, string) {
	c.t.Helper()
	resp, err := http.Get("http://" + c.addr + path)
	if err != nil {
		c.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Error(err)
	}
	return resp.StatusCode, string(body)
}

// stalls are the requests of clients that then do nothing.
var stalls = map[string]string{
	"sleep":      "GET /sleep HTTP/1.1\r\nHost: h\r\n\r\n",
	"events":     "GET /events HTTP/1.1\r\nHost: h\r\n\r\n",
	"reads none": "GET /page HTTP/1.1\r\nHost: h\r\n\r\n",
	"stops":      "GET /blocks HTTP/1.1\r\nHost: h\r\n\r\n",
	"sends none": "POST /upload HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\nbegun",
	"sends less": "POST /upload HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nbegun\r\n",
}

// TestWaitingHoldsNoSlot keeps 30 calls waiting in each way, with two slots and no queue: everybody
// else is served at once.
func TestWaitingHoldsNoSlot(t *testing.T) {
	for name, request := range stalls {
		t.Run(name, func(t *testing.T) {
			c := serveWaits(t, &server.Slots{Calls: 2, Queue: 100})
			c.wait(30, request)
			for range 30 {
				if status, body := c.get("/"); status != http.StatusOK || body != "done" {
					t.Fatalf("got %d %q", status, body)
				}
			}
		})
	}
}

// TestWaitingIsBounded lets no more calls wait than may: the client that has the most of them loses
// the one that has waited longest, and one that has only that itself is turned away.
func TestWaitingIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &server.Gateway{App: waiting(t), Slots: &server.Slots{Waiting: 3},
			Logger: slog.New(slog.DiscardHandler)}
		ctx, leave := context.WithCancel(t.Context())
		ended := make(chan string, 10)
		begin := func(name, address string) {
			w, r := httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/events", nil)
			r.RemoteAddr = address
			go func() {
				defer func() {
					recover() // a response that breaks off
					ended <- name
				}()
				g.ServeHTTP(w, r.WithContext(ctx))
			}()
			synctest.Wait()
		}
		begin("a1", "[2001:db8:0:1::1]:1000")
		begin("a2", "[2001:db8:0:1::2]:1000") // of the same /64
		begin("b1", "192.0.2.1:1000")
		begin("b2", "[::ffff:192.0.2.1]:1000") // the same address; as many as the first
		begin("c1", "192.0.2.3:1000")
		begin("d1", "192.0.2.4:1000")
		for _, want := range []string{
			"b1", // the older one of the client that came last
			"a1", // the oldest of the client with the most
			"d1", // nobody has more calls than it
		} {
			if got := <-ended; got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		}
		leave()
		synctest.Wait()
	})
}

// TestIdleTimeout verifies that an event stream may be quiet for longer than the time limit of a
// call, which counts only while its script runs, and that it is not for ever: what is sent now and
// then keeps it alive.
func TestIdleTimeout(t *testing.T) {
	const beats = `
def app(environ, start_response):
    start_response("200 OK", [])
    def events(stream):
        for _ in range(int(environ["PATH_INFO"][1:])):
            stream.write("beat\n")
            sleep(40)
        sleep(40)
        stream.write("end")
    return events
`
	sleep := starlark.NewBuiltin("sleep", func(t *starlark.Thread, _ *starlark.Builtin,
		args starlark.Tuple, _ []starlark.Tuple) (starlark.Value, error) {
		seconds, err := starlark.AsInt32(args[0])
		if err != nil {
			return nil, err
		}
		return starlark.None, rthost.Sleep(t, time.Duration(seconds)*time.Second)
	})
	for _, test := range []struct {
		name, path string
		idle       time.Duration
		want       string
		took       time.Duration
	}{
		{"longer than a call", "/1", 0, "beat\nend", 80 * time.Second},
		{"as long as it likes", "/3", 90 * time.Second, "beat\nbeat\nbeat\nend", 160 * time.Second},
		{"silent for too long", "/1", 50 * time.Second, "beat\n", 50 * time.Second},
		{"not begun", "/0", 0, "504 Gateway Timeout\n", 30 * time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var log strings.Builder
				g := &server.Gateway{App: program(t, beats, starlark.StringDict{"sleep": sleep}),
					IdleTimeout: test.idle, Logger: slog.New(slog.NewTextHandler(&log, nil))}
				w, began := httptest.NewRecorder(), time.Now()
				func() {
					defer func() { recover() }()
					g.ServeHTTP(w, httptest.NewRequest(http.MethodGet, test.path, nil))
				}()
				if got := w.Body.String(); got != test.want || time.Since(began) != test.took {
					t.Errorf("got %q after %v, want %q after %v", got, time.Since(began), test.want, test.took)
				}
				if test.name == "silent for too long" && !strings.Contains(log.String(), "app.star:8:14: ") {
					t.Errorf("the log does not say where it waited: %s", &log)
				}
			})
		})
	}
}

// TestQuietStream verifies that a stream which is quiet for longer than a client may take for a
// block goes on, on both protocols.
func TestQuietStream(t *testing.T) {
	sleep := starlark.NewBuiltin("sleep", func(t *starlark.Thread, _ *starlark.Builtin,
		_ starlark.Tuple, _ []starlark.Tuple) (starlark.Value, error) {
		return starlark.None, rthost.Sleep(t, 800*time.Millisecond)
	})
	for _, proto := range []string{"HTTP/1.1", "HTTP/2.0"} {
		t.Run(proto, func(t *testing.T) {
			s := httptest.NewUnstartedServer(&server.Handler{
				App:          program(t, waits, starlark.StringDict{"sleep": sleep}),
				WriteTimeout: 200 * time.Millisecond,
			})
			s.Config.WriteTimeout = 200 * time.Millisecond
			s.EnableHTTP2 = proto == "HTTP/2.0"
			if err := server.Configure(s.Config); err != nil {
				t.Fatal(err)
			}
			s.StartTLS()
			defer s.Close()
			resp, err := s.Client().Get(s.URL + "/events")
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			body, err := io.ReadAll(resp.Body)
			if resp.Proto != proto || err != nil || string(body) != "first\nlast\n" {
				t.Errorf("got %s %q, %v", resp.Proto, body, err)
			}
		})
	}
}
