package worker_test

import (
	"bufio"
	"context"
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptrace"
	goruntime "runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/coder/websocket"
	"github.com/larkspur-web/larkspur/cmd/testdata/racetest"
	"github.com/larkspur-web/larkspur/server"
	"github.com/larkspur-web/larkspur/server/h2"
)

// flows is an application of what comes and goes in pieces.
const flows = `
load("@websocket", "websocket")

def talk(ws):
    ws.send("begun %d" % pid())
    for message in ws:
        if message == "bye":
            ws.close(4001, "bye yourself")
            return
        if message == "fail":
            fail("as it was told")
        ws.send(message)

def events(stream):
    for i in range(3):
        stream.write("data: %d\n\n" % i)
        gate("event%d" % i)

def echo(environ):
    def body(stream):
        while True:
            line = environ["wsgi.input"].readline()
            if not line:
                break
            stream.write(line)
    return body

def endless(stream):
    note("endless")
    while True:
        stream.write("x" * 65536)

def sink(environ):
    n = 0
    while True:
        block = environ["wsgi.input"].read(1 << 18)
        if not block:
            return n
        n += len(block)

def app(environ, start_response):
    path = environ["PATH_INFO"]
    if path == "/ws":
        return websocket(talk, max_size = 8 << 20)(environ, start_response)
    if path == "/refuse":
        start_response("413 Content Too Large", [])
        return ["no"]
    if path == "/finish":
        environ["larkspur.on_finish"](lambda status, error: note("finish-" + ("ok" if error == None else "error")))
        note("id-" + environ["larkspur.request_id"])
        environ["wsgi.errors"].write("said by the worker\n")
        gate(environ["QUERY_STRING"]) if environ["QUERY_STRING"] else None
    if path == "/trailers":
        start_response("200 OK", [("Content-Type", "text/plain")])
        environ["larkspur.trailers"]([("X-Rows", "3"), ("Larkspur-X", "y")])
        return events_once
    if path == "/sink":
        n = sink(environ)
        start_response("200 OK", [("Content-Type", "text/plain")])
        return ["%d" % n]
    if path == "/bytes":
        start_response("200 OK", [("Content-Type", "application/octet-stream")])
        return blocks(int(environ["QUERY_STRING"]))
    if path == "/fail":
        start_response("200 OK", [("Content-Type", "text/plain")])("some")
        fail("after the first block")
    start_response("200 OK", [("Content-Type", "text/event-stream" if path == "/events" else "text/plain")])
    if path == "/events":
        return events
    if path == "/echo":
        return echo(environ)
    if path == "/endless":
        return endless
    return ["%d" % pid()]

def events_once(stream):
    stream.write("body")

def blocks(n):
    def body(stream):
        for _ in range(n):
            stream.write("y" * (1 << 20))
    return body
`

// dialWS makes a WebSocket over HTTP/1.1, or over HTTP/2 by an extended CONNECT.
func dialWS(t *testing.T, h *house, version int) *websocket.Conn {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	options := &websocket.DialOptions{}
	if version == 2 {
		options.HTTPClient = &http.Client{Transport: extended{h.url}}
	}
	ws, _, err := websocket.Dial(ctx, h.url+"/ws", options)
	if err != nil {
		t.Fatal(err)
	}
	ws.SetReadLimit(-1)
	t.Cleanup(func() { ws.CloseNow() })
	return ws
}

// extended makes of the handshake of RFC 6455 that of RFC 8441, for a client which knows only the
// first, on a connection of its own.
type extended struct{ url string }

func (e extended) RoundTrip(r *http.Request) (*http.Response, error) {
	nc, err := net.Dial("tcp", strings.TrimPrefix(e.url, "http://"))
	if err != nil {
		return nil, err
	}
	key := r.Header.Get("Sec-WebSocket-Key")
	in, out := io.Pipe()
	q := r.Clone(r.Context())
	q.Method, q.Body, q.ContentLength, q.RequestURI = http.MethodConnect, in, -1, ""
	q.Header[":protocol"] = []string{"websocket"}
	for _, name := range []string{"Connection", "Upgrade", "Sec-Websocket-Key"} {
		delete(q.Header, name)
	}
	c := h2.NewClientConn(nc, h2.ClientConfig{})
	res, err := c.Do(q, nil)
	if err != nil || res.StatusCode != http.StatusOK {
		return res, err
	}
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	res.StatusCode = http.StatusSwitchingProtocols
	res.Header.Set("Connection", "Upgrade")
	res.Header.Set("Upgrade", "websocket")
	res.Header.Set("Sec-WebSocket-Accept", base64.StdEncoding.EncodeToString(sum[:]))
	res.Body = &bothWays{res.Body, out, c}
	return res, nil
}

// bothWays is a stream of HTTP/2.
type bothWays struct {
	io.ReadCloser
	out *io.PipeWriter
	c   *h2.ClientConn
}

func (s *bothWays) Write(p []byte) (int, error) { return s.out.Write(p) }

func (s *bothWays) Close() error {
	s.out.Close()
	s.ReadCloser.Close()
	return s.c.Close()
}

// TestWebSocket has conversations through a worker.
func TestWebSocket(t *testing.T) {
	for version := 1; version <= 2; version++ {
		t.Run(fmt.Sprint(version), func(t *testing.T) {
			h := build(t, flows, nil)
			ctx, cancel := context.WithTimeout(context.Background(), patience)
			defer cancel()
			read := func(ws *websocket.Conn) string {
				t.Helper()
				_, p, err := ws.Read(ctx)
				if err != nil {
					t.Fatal(err)
				}
				return string(p)
			}
			ws := dialWS(t, h, version)
			if text := read(ws); !strings.HasPrefix(text, "begun") {
				t.Errorf("it says %q", text)
			}
			for _, n := range []int{1, 1000, 70_000, 5 << 20} {
				sent := strings.Repeat("ä", n/2)
				if err := ws.Write(ctx, websocket.MessageText, []byte(sent)); err != nil {
					t.Fatal(err)
				}
				if got := read(ws); got != sent {
					t.Errorf("of %d bytes %d come back", len(sent), len(got))
				}
			}
			for _, c := range []struct {
				says string
				code websocket.StatusCode
			}{{"bye", 4001}, {"fail", websocket.StatusInternalError}} {
				ws := dialWS(t, h, version)
				read(ws)
				if err := ws.Write(ctx, websocket.MessageText, []byte(c.says)); err != nil {
					t.Fatal(err)
				}
				_, _, err := ws.Read(ctx)
				if websocket.CloseStatus(err) != c.code {
					t.Errorf("%q: it ends with %v, want %d", c.says, err, c.code)
				}
			}
			if err := ws.Close(4002, "enough"); err != nil {
				t.Errorf("the other side does not close: %v", err)
			}
			// One whose worker is killed breaks off: no close frame, which would be an ordinary end.
			ws = dialWS(t, h, version)
			var pid int
			fmt.Sscanf(read(ws), "begun %d", &pid)
			_ = syscall.Kill(pid, syscall.SIGKILL)
			if _, _, err := ws.Read(ctx); err == nil || websocket.CloseStatus(err) != -1 || ctx.Err() != nil {
				t.Errorf("it ends with %v", err)
			}
			h.log.await(t, "a worker has ended", "lost=1", "GET /ws")
			h.pids(2)
		})
	}
}

// TestUpgradeRefused has a request for the socket that is none, and one for something else.
func TestUpgradeRefused(t *testing.T) {
	h := build(t, flows, nil)
	a := ask(client(t, 1), "GET", h.url+"/ws", nil)
	if a.status != 426 || a.header.Get("Upgrade") != "websocket" {
		t.Errorf("got %d %v", a.status, a.header)
	}
	if a := ask(client(t, 2), "GET", h.url+"/ws", nil); a.status != 426 {
		t.Errorf("HTTP/2: got %d %v", a.status, a.header)
	}
	r, _ := http.NewRequest("GET", h.url+"/other", nil)
	for name, value := range map[string]string{"Connection": "Upgrade", "Upgrade": "websocket",
		"Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="} {
		r.Header.Set(name, value)
	}
	res, err := client(t, 1).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if p, _ := io.ReadAll(res.Body); res.StatusCode != 200 || len(p) == 0 {
		t.Errorf("one that answers otherwise: %d %q", res.StatusCode, p)
	}
}

// TestFlush has each event on the wire before the next is made.
func TestFlush(t *testing.T) {
	h := build(t, flows, nil)
	for version := 1; version <= 2; version++ {
		res, err := client(t, version).Get(h.url + "/events")
		if err != nil {
			t.Fatal(err)
		}
		in := bufio.NewReader(res.Body)
		for i := range 3 {
			if line, err := in.ReadString('\n'); line != fmt.Sprintf("data: %d\n", i) {
				t.Fatalf("HTTP/%d: %q, %v", version, line, err)
			}
			in.ReadString('\n')
			if version == 1 {
				h.open(fmt.Sprint("event", i))
			}
		}
		if rest, err := io.ReadAll(in); len(rest) > 0 || err != nil {
			t.Errorf("it ends with %q, %v", rest, err)
		}
		res.Body.Close()
	}
}

// TestEcho sends a body in pieces, each of which comes back before the next is sent.
func TestEcho(t *testing.T) {
	h := build(t, flows, nil)
	for version := 1; version <= 2; version++ {
		in, out := io.Pipe()
		r, _ := http.NewRequest("POST", h.url+"/echo", in)
		go out.Write([]byte("first\n"))
		res, err := client(t, version).Do(r)
		if err != nil {
			t.Fatalf("HTTP/%d: %v", version, err)
		}
		back := bufio.NewReader(res.Body)
		for i := range 5 {
			if i > 0 {
				fmt.Fprintf(out, "piece %d\n", i)
			}
			if line, err := back.ReadString('\n'); err != nil || i > 0 && line != fmt.Sprintf("piece %d\n", i) {
				t.Fatalf("HTTP/%d: %q, %v", version, line, err)
			}
		}
		out.Close()
		if rest, err := io.ReadAll(back); len(rest) > 0 || err != nil {
			t.Errorf("HTTP/%d: it ends with %q, %v", version, rest, err)
		}
		res.Body.Close()
	}
}

// TestExpect has an application that refuses before the body is sent, and one that wants it.
func TestExpect(t *testing.T) {
	h := build(t, flows, nil)
	for version := 1; version <= 2; version++ {
		for _, c := range []struct {
			path   string
			status int
			asked  bool
		}{{"/refuse", 413, false}, {"/sink", 200, true}} {
			var read, asked atomic.Bool
			r, _ := http.NewRequest("POST", h.url+c.path, touch{strings.NewReader("0123456789"), &read})
			r.ContentLength = 10
			r.Header.Set("Expect", "100-continue")
			r = r.WithContext(httptrace.WithClientTrace(r.Context(), &httptrace.ClientTrace{Got100Continue: func() { asked.Store(true) }}))
			res, err := client(t, version).Do(r)
			if err != nil {
				t.Fatalf("HTTP/%d %s: %v", version, c.path, err)
			}
			p, err := io.ReadAll(res.Body)
			res.Body.Close()
			if err != nil || res.StatusCode != c.status || c.asked && string(p) != "10" {
				t.Errorf("HTTP/%d %s: %d %q %v", version, c.path, res.StatusCode, p, err)
			}
			if asked.Load() != c.asked || read.Load() != c.asked {
				t.Errorf("HTTP/%d %s: the body was asked for: %v, and sent: %v; want %v", version, c.path, asked.Load(), read.Load(), c.asked)
			}
		}
	}
}

// touch notes that it was read.
type touch struct {
	io.Reader
	read *atomic.Bool
}

func (r touch) Read(p []byte) (int, error) {
	r.read.Store(true)
	return r.Reader.Read(p)
}

// TestTrailers has those of a response.
func TestTrailers(t *testing.T) {
	h := build(t, flows, nil)
	for version := 1; version <= 2; version++ {
		res, err := client(t, version).Get(h.url + "/trailers")
		if err != nil {
			t.Fatal(err)
		}
		p, err := io.ReadAll(res.Body)
		res.Body.Close()
		if string(p) != "body" || err != nil || res.Trailer.Get("X-Rows") != "3" {
			t.Errorf("HTTP/%d: %q %v, trailers %v", version, p, err, res.Trailer)
		}
	}
}

// TestLarge has 50 MB in both directions, of which the front and the worker hold little.
func TestLarge(t *testing.T) {
	racetest.Skip(t)
	const size = 50 << 20
	h := build(t, flows, func(h *house, f *server.Front) { h.pool.Workers, f.MaxBody = 1, -1 })
	h.get("/")
	before := h.pool.Resident()
	var m goruntime.MemStats
	for version := 1; version <= 2; version++ {
		goruntime.ReadMemStats(&m)
		inUse := m.HeapInuse
		for _, known := range []bool{true, false} {
			r, _ := http.NewRequest("POST", h.url+"/sink", io.LimitReader(zeros{}, size))
			if known {
				r.ContentLength = size
			}
			res, err := client(t, version).Do(r)
			if err != nil {
				t.Fatal(err)
			}
			p, _ := io.ReadAll(res.Body)
			res.Body.Close()
			if string(p) != fmt.Sprint(size) {
				t.Errorf("HTTP/%d: %q of %d have come", version, p, size)
			}
		}
		res, err := client(t, version).Get(h.url + "/bytes?50")
		if err != nil {
			t.Fatal(err)
		}
		n, err := io.Copy(io.Discard, res.Body)
		res.Body.Close()
		if n != size || err != nil {
			t.Errorf("HTTP/%d: %d bytes have come, %v", version, n, err)
		}
		goruntime.ReadMemStats(&m)
		if m.HeapInuse > inUse+24<<20 {
			t.Errorf("HTTP/%d: the heap of the front has grown from %d to %d", version, inUse, m.HeapInuse)
		}
	}
	if now := h.pool.Resident(); now > before+40<<20 {
		t.Errorf("the worker has grown from %d to %d", before, now)
	}
}

// zeros is an endless body.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

// TestClientGone has a client that goes away: the call ends in the worker too.
func TestClientGone(t *testing.T) {
	for version := 1; version <= 2; version++ {
		h := build(t, flows, nil)
		ctx, cancel := context.WithCancel(context.Background())
		r, _ := http.NewRequestWithContext(ctx, "GET", h.url+"/finish?never", nil)
		go client(t, version).Do(r)
		h.came("never", 1)
		cancel()
		await(t, "on_finish", func() bool { return h.notes("finish-error") == 1 })
		await(t, "its worker has nothing in its hands", func() bool { return len(h.pool.Busy()) == 0 })
		r, _ = http.NewRequest("GET", h.url+"/endless", nil)
		res, err := client(t, version).Do(r)
		if err != nil {
			t.Fatal(err)
		}
		io.CopyN(io.Discard, res.Body, 1<<20)
		res.Body.Close()
		await(t, "its worker has nothing in its hands", func() bool { return len(h.pool.Busy()) == 0 })
		h.get("/")
	}
}

// TestFinish has on_finish, and one id for a request in the front's log and in what the worker logs.
func TestFinish(t *testing.T) {
	h := build(t, flows, func(h *house, f *server.Front) { f.Access = slog.New(logger{logbook: h.log}) })
	h.get("/finish")
	await(t, "on_finish", func() bool { return h.notes("finish-ok") == 1 })
	access := h.log.await(t, "INFO GET /finish", "status=200")
	_, id, ok := strings.Cut(access, "request=")
	id, _, _ = strings.Cut(id, " ")
	if !ok || h.notes("id-"+id) != 1 {
		t.Errorf("the application has another id than the log: %s", access)
	}
	h.log.await(t, "said by the worker", "request="+id, "worker=")
}

// TestBreaksOff has an application that fails after its first block: what the client gets cannot be
// taken for a whole response.
func TestBreaksOff(t *testing.T) {
	h := build(t, flows, nil)
	for version := 1; version <= 2; version++ {
		a := ask(client(t, version), "GET", h.url+"/fail", nil)
		if a.err == nil || a.text != "some" {
			t.Errorf("HTTP/%d: %d %q %v", version, a.status, a.text, a.err)
		}
	}
	// A client of HTTP/1.0 has nothing but the end of the connection to go by.
	nc, err := net.Dial("tcp", strings.TrimPrefix(h.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	io.WriteString(nc, "GET /fail HTTP/1.0\r\n\r\n")
	if p, err := io.ReadAll(nc); err == nil {
		t.Errorf("HTTP/1.0: %q, as if it were whole", p)
	}
}

// TestSlowUpload has a body that begins to come only when its first worker has died: all of it gets to
// the second.
func TestSlowUpload(t *testing.T) {
	const source = `
def app(environ, start_response):
    note("calls")
    gate("go")
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [environ["wsgi.input"].read()]
`
	for version := 1; version <= 2; version++ {
		for _, known := range []bool{true, false} {
			h := build(t, source, nil)
			in, out := io.Pipe()
			r, _ := http.NewRequest("PUT", h.url+"/", in)
			if known {
				r.ContentLength = 10
			}
			done := make(chan reply)
			go func() {
				res, err := client(t, version).Do(r)
				if err != nil {
					done <- reply{err: err}
					return
				}
				defer res.Body.Close()
				p, err := io.ReadAll(res.Body)
				done <- reply{res.StatusCode, res.Header, string(p), err}
			}()
			h.came("go", 1)
			_ = syscall.Kill(h.pool.Busy()[0], syscall.SIGKILL)
			h.came("go", 2)
			out.Write([]byte("01234"))
			out.Write([]byte("56789"))
			out.Close()
			h.open("go")
			if a := <-done; a.err != nil || a.status != 200 || a.text != "0123456789" {
				t.Errorf("HTTP/%d, known %v: %d %q %v", version, known, a.status, a.text, a.err)
			}
		}
	}
}
