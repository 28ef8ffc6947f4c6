package server_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/larkspur-web/larkspur/server"
)

// eachWay runs test in every mode and variant with an application, set up by pairs of KEY VALUE.
func eachWay(t *testing.T, app string, config []string, test func(*testing.T, *session)) {
	t.Helper()
	each(t, variants, app, config, test)
}

func each(
	t *testing.T, variants []variant, app string, config []string, test func(*testing.T, *session),
) {
	t.Helper()
	beside, tree := newSetting(t), fstest.MapFS{"app.star": {Data: []byte(app)}}
	for _, m := range modes {
		t.Run(m.String(), func(t *testing.T) {
			t.Parallel()
			site := newSite(t, m)
			for _, v := range variants[:min(len(variants), len(m.variants()))] {
				t.Run(v.name, func(t *testing.T) {
					s := newSession(beside, site, v, tree, t.Fatalf)
					for i := 0; i < len(config); i += 2 {
						s.configure(config[i : i+2])
					}
					s.begin()
					test(t, s)
				})
			}
		})
	}
}

// open opens a gate, for good.
func (h *host) open(name string) { close(h.gate(name)) }

// reached waits until a call has come to a gate.
func (s *session) reached(name string) {
	select {
	case at := <-s.host.passed:
		if at != name {
			s.failf("the application is at gate %s, not %s", at, name)
		}
	case <-time.After(patience):
		s.failf("the application does not come to gate %s", name)
	}
}

// get asks for a target, and returns what has begun to come.
func (s *session) get(ctx context.Context, target string) (*http.Response, error) {
	r, err := s.site.request(http.MethodGet, target, nil)
	if err != nil {
		s.failf("%v", err)
	}
	return s.site.transport.RoundTrip(r.WithContext(ctx))
}

// ends waits until the server is done with every request.
func (s *session) ends() { s.awaits(s.site.wait) }

// stops waits until the application has ended, as ends does.
func (s *session) stops() { s.awaits(s.site.stopped) }

func (s *session) awaits(end func()) {
	ended := make(chan struct{})
	go func() {
		end()
		close(ended)
	}()
	select {
	case <-ended:
	case <-time.After(patience):
		s.failf("the application runs on")
	}
}

// TestBlockSent checks that a block reaches the client before the next is made, in
// each way to make one; middleware hands the body on as soon as it has it.
//
// Items: block-sent, write-sends, returned-at-once.
func TestBlockSent(t *testing.T) {
	eachWay(t, `
load("@body", "body_map")
load("@struct", "struct")
load("@test", "count", "gate")
def made(block):
    gate(block)
    return block

def app(environ, start_response):
    if environ["PATH_INFO"] == "/file":
        start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "3")])
        return environ["wsgi.file_wrapper"](struct(read = lambda n: made(" abc"[count("reads")])))
    write = start_response("200 OK", [("Content-Type", "text/plain")])
    if environ["PATH_INFO"] == "/write":
        for block in ["a", "b", "c"]:
            write(made(block))
        return []
    def stream(s):
        for block in ["a", "b", "c"]:
            s.write(made(block))
    return stream if environ["PATH_INFO"] == "/stream" else body_map(made, ["a", "b", "c"])
`, nil, func(t *testing.T, s *session) {
		for _, target := range []string{"/body", "/write", "/stream", "/file"} {
			s.host.gates = map[string]chan struct{}{}
			s.host.open("a")
			res, err := s.get(t.Context(), target)
			if err != nil {
				t.Fatal(err)
			}
			s.reached("a")
			for i, block := range []string{"a", "b", "c"} {
				got := make([]byte, 1)
				if _, err := io.ReadFull(res.Body, got); err != nil || string(got) != block {
					t.Fatalf("%s: block %d is %q (%v), want %s", target, i, got, err, block)
				}
				if i < 2 {
					next := string(block[0] + 1)
					s.reached(next) // and stands there, while the client has all before it
					s.host.open(next)
				}
			}
			if rest, err := io.ReadAll(res.Body); err != nil || len(rest) > 0 {
				t.Errorf("%s: behind the last block is %q (%v)", target, rest, err)
			}
			res.Body.Close()
			s.ends()
		}
	})
}

// TestFinishedLater checks that what runs after the response does not hold it up.
//
// Items: body-closed.
func TestFinishedLater(t *testing.T) {
	eachWay(t, `
load("@body", "body")
load("@test", "gate")
def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    if environ["PATH_INFO"] == "/close":
        return body(["hello"], close = lambda: gate("over"))
    environ["larkspur.on_finish"](lambda status, error: gate("over"))
    return ["hello"]
`, nil, func(t *testing.T, s *session) {
		for _, target := range []string{"/close", "/finish"} {
			res, err := s.get(t.Context(), target)
			if err != nil {
				t.Fatal(err)
			}
			got := make([]byte, len("hello"))
			if _, err := io.ReadFull(res.Body, got); err != nil || string(got) != "hello" {
				t.Errorf("%s: got %q, %v", target, got, err)
			}
			s.reached("over")
			if target == "/finish" {
				s.host.open("over")
			} else {
				close(s.host.gate("over"))
				s.ends()
				s.host.gates = map[string]chan struct{}{}
			}
			res.Body.Close()
			s.ends()
		}
	})
}

// TestClientGone checks that a client that leaves stops the application, whatever it
// does just then, and that its body is closed all the same.
//
// Items: client-gone, disconnect, body-closed, endless-bodies.
func TestClientGone(t *testing.T) {
	eachWay(t, `
load("@body", "body", "body_map", "ticks")
load("@test", "gate")
def tick(n):
    if n == 3:
        gate("running")
    return str(n) + "\n"

def app(environ, start_response):
    path = environ["PATH_INFO"]
    environ["larkspur.on_finish"](lambda status, error: print("finished", path))
    write = start_response("200 OK", [("Content-Type", "text/plain")])
    if path == "/ticks":
        return body(body_map(tick, ticks(0.001)), close = lambda: print("closed"))
    if path == "/stuck":
        gate("running")
        gate("never")
    if path == "/busy":
        gate("running")
        n = 0
        while True:
            n += 1
    if path == "/writes":
        gate("running")
        while True:
            write("x" * 1000)
    print("not reached")
    return []
`, []string{"steps", "9223372036854775807"}, func(t *testing.T, s *session) {
		s.host.open("running")
		for _, target := range []string{"/ticks", "/stuck", "/busy", "/writes"} {
			ctx, leave := context.WithCancel(t.Context())
			gone := make(chan struct{})
			go func() {
				defer close(gone)
				if res, err := s.get(ctx, target); err == nil {
					_, _ = io.Copy(io.Discard, res.Body) // until it leaves
					res.Body.Close()
				}
			}()
			s.reached("running")
			if target == "/stuck" {
				s.reached("never")
			}
			leave()
			<-gone
			s.ends()
			if target == "/ticks" {
				s.logged([]string{"INFO closed"})
			}
			s.logged([]string{"INFO finished " + target})
		}
		s.silent([]string{"not reached|ERROR"})
	})
}

// limit has the application served by a handler of its own, with these slots.
func (s *session) limit(slots *server.Slots) {
	s.handler = &server.Handler{App: s.handler.App, Logger: s.handler.Logger, Slots: slots}
	s.site.serve(s.handler)
}

// TestOverload checks that a server that is full says so, with 503 and when to come again, at
// once if nobody may wait and after a while if one may; that who waits is served when there is
// room; and that who leaves waits no longer.
//
// Items: overload.
func TestOverload(t *testing.T) {
	eachWay(t, `
load("@test", "gate")
def app(environ, start_response):
    gate(environ["PATH_INFO"])
    start_response("200 OK", [("Content-Type", "text/plain")])
    return ["served"]
`, nil, func(t *testing.T, s *session) {
		refused := func(target string) {
			t.Helper()
			s.send([]string{"GET", target})
			s.status([]string{"503"})
			s.header([]string{"Retry-After", "1"})
			s.body([]string{"503 Service Unavailable\n"})
			for _, r := range s.log.all() {
				if strings.HasPrefix(r.text, "ERROR LARK0503") {
					return
				}
			}
			s.failf("that the server is full is not logged")
		}
		served := func(target string) <-chan answer {
			done := make(chan answer, 1)
			go func() {
				r, err := s.site.request(http.MethodGet, target, nil)
				if err != nil {
					done <- answer{err: err}
					return
				}
				done <- s.site.ask(r)
			}()
			return done
		}
		s.limit(&server.Slots{Calls: 1, Queue: -1})
		first := served("/first")
		s.reached("/first")
		refused("/refused")
		s.host.open("/first")
		if a := <-first; a.text != "served" {
			t.Errorf("the first request got %v", &a)
		}
		s.ends()

		s.limit(&server.Slots{Calls: 1, Queue: 1, Wait: 10 * time.Millisecond})
		second := served("/second")
		s.reached("/second")
		refused("/late")
		s.host.open("/second")
		<-second
		s.ends()

		s.limit(&server.Slots{Calls: 1, Queue: 1, Wait: time.Hour})
		third := served("/third")
		s.reached("/third")
		ctx, leave := context.WithCancel(t.Context())
		left := make(chan error, 1)
		go func() {
			_, err := s.get(ctx, "/left")
			left <- err
		}()
		leave()
		if err := <-left; !errors.Is(err, context.Canceled) {
			t.Errorf("who leaves got %v", err)
		}
		fourth := served("/fourth")
		s.host.open("/fourth")
		s.host.open("/third")
		for _, done := range []<-chan answer{third, fourth} {
			if a := <-done; a.text != "served" && a.code != http.StatusServiceUnavailable {
				t.Errorf("who waits got %v", &a)
			}
		}
		s.ends()
	})
}

// TestSerialCalls checks that with one slot calls never overlap.
//
// Items: serial-calls.
func TestSerialCalls(t *testing.T) {
	eachWay(t, `
load("@test", "keep", "kept")
load("@time", "time")
def app(environ, start_response):
    busy = kept("busy")
    keep("busy", True)
    time.sleep(0.001)
    keep("busy", False)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return ["overlaps" if busy else "alone"]
`, nil, func(t *testing.T, s *session) {
		s.handler.Slots = &server.Slots{Calls: 1, Queue: 20, Wait: time.Hour}
		var clients sync.WaitGroup
		for range 10 {
			clients.Go(func() {
				r, err := s.site.request(http.MethodGet, "/", nil)
				if err != nil {
					t.Error(err)
					return
				}
				if a := s.site.ask(r); a.text != "alone" {
					t.Errorf("got %v", &a)
				}
			})
		}
		clients.Wait()
	})
}

// TestConcurrentStreams checks that a stream that takes long does not hold up another of its
// connection.
//
// Items: concurrent-streams.
func TestConcurrentStreams(t *testing.T) {
	eachWay(t, `
load("@test", "gate")
def app(environ, start_response):
    if environ["PATH_INFO"] == "/slow":
        gate("slow")
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [environ["larkspur.peer"]]
`, nil, func(t *testing.T, s *session) {
		if s.site.mode.proto == "HTTP/1.1" {
			t.Skip("HTTP/1.1 has one request at a time on a connection")
		}
		slow := make(chan answer, 1)
		go func() {
			r, err := s.site.request(http.MethodGet, "/slow", nil)
			if err != nil {
				t.Error(err)
			}
			slow <- s.site.ask(r)
		}()
		s.reached("slow")
		var peer string
		for range 20 {
			s.send([]string{"GET", "/"})
			s.status([]string{"200"})
			peer = s.text
		}
		s.host.open("slow")
		if a := <-slow; a.text != peer {
			t.Errorf("the slow request, from %q, was not on the connection of the others, %q", a.text, peer)
		}
	})
}

// TestSlowClient checks that a client that takes nothing stops the application that writes to
// it, after the time that it has for a block.
//
// Items: slow-client.
func TestSlowClient(t *testing.T) {
	eachWay(t, `
load("@body", "body_map")
load("@test", "gate")
def app(environ, start_response):
    gate("running")
    write = start_response("200 OK", [("Content-Type", "text/plain")])
    block = "x" * (1 << 20)
    if environ["PATH_INFO"] == "/body":
        return body_map(lambda _: block, range(1 << 20))
    while environ["PATH_INFO"] == "/catch":
        catch(write, block)
    while True:
        write(block)
`, nil, func(t *testing.T, s *session) {
		s.handler.WriteTimeout = 50 * time.Millisecond
		s.host.open("running")
		for _, target := range []string{"/body", "/write", "/catch"} {
			res, err := s.get(t.Context(), target)
			for try := 0; err != nil && try < 20; try++ {
				// The machine was busy: the time was over before the response had begun.
				s.ends()
				<-s.host.passed
				res, err = s.get(t.Context(), target)
			}
			if err != nil {
				t.Fatal(err)
			}
			s.stops()
			if _, err := io.Copy(io.Discard, res.Body); err == nil {
				t.Errorf("%s: the body looks whole", target)
			}
			res.Body.Close()
			s.ends()
			<-s.host.passed
		}
		s.silent([]string{"ERROR"})
	})
}

// TestPatientClient checks that a client that takes a large block slowly, but takes it, gets
// it whole, however long that is: neither its time to accept a block nor the application's runs
// out.
//
// Items: slow-client.
func TestPatientClient(t *testing.T) {
	const size = 12 << 20
	each(t, variants[:1], `
block = "x" * (12 << 20)
def app(environ, start_response):
    write = start_response("200 OK", [("Content-Type", "text/plain")])
    if environ["PATH_INFO"] == "/list":
        return [block]
    write(block)
    for i in range(5000):
        pass  # and is asked for its time
    return []
`, []string{"time", "2s"}, func(t *testing.T, s *session) {
		s.handler.WriteTimeout = 2 * time.Second
		for _, target := range []string{"/list", "/write"} {
			res, err := s.get(t.Context(), target)
			if err != nil {
				t.Fatal(err)
			}
			var n int64
			for err == nil {
				var m int64
				m, err = io.CopyN(io.Discard, res.Body, 1<<20)
				n += m
				time.Sleep(220 * time.Millisecond) // it takes longer than that for all of it
			}
			if err != io.EOF || n != size {
				t.Errorf("%s: got %d bytes of %d, and %v", target, n, size, err)
			}
			res.Body.Close()
			s.ends()
		}
		s.silent([]string{"ERROR"})
	})
}

// TestDrain checks that a Group that is told to end answers what has begun, and that a
// connection that is kept open for nothing does not hold it up.
//
// Items: drain.
func TestDrain(t *testing.T) {
	for _, proto := range []string{"HTTP/1.1", "HTTP/2.0"} {
		t.Run(proto, func(t *testing.T) {
			l, err := server.Listen("http://127.0.0.1:0", nil)
			if err != nil {
				t.Fatal(err)
			}
			begun, gate := make(chan struct{}), make(chan struct{})
			group := &server.Group{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/slow" {
					close(begun)
					<-gate
				}
				_, _ = io.WriteString(w, "answered")
			}), Drain: patience}
			ctx, end := context.WithCancel(t.Context())
			served := make(chan error, 1)
			go func() { served <- group.Serve(ctx, l) }()

			var protocols http.Protocols
			protocols.SetHTTP1(proto == "HTTP/1.1")
			protocols.SetUnencryptedHTTP2(proto == "HTTP/2.0")
			client := func() *http.Client { // each with a connection of its own
				transport := &http.Transport{Protocols: &protocols}
				t.Cleanup(transport.CloseIdleConnections)
				return &http.Client{Transport: transport, Timeout: patience}
			}
			get := func(c *http.Client, path string) (string, error) {
				res, err := c.Get(l.URL + path)
				if err != nil {
					return "", err
				}
				defer res.Body.Close()
				text, err := io.ReadAll(res.Body)
				return string(text), err
			}
			idle := client()
			if text, err := get(idle, "/"); text != "answered" || err != nil {
				t.Fatalf("got %q, %v", text, err)
			}
			slow := make(chan error, 1)
			go func() {
				text, err := get(client(), "/slow")
				if err == nil && text != "answered" {
					err = errors.New(text)
				}
				slow <- err
			}()
			<-begun
			end()
			close(gate)
			if err := <-slow; err != nil {
				t.Errorf("the request that had begun got %v", err)
			}
			select {
			case err := <-served:
				if err != nil {
					t.Error(err)
				}
			case <-time.After(patience):
				t.Error("the group does not end")
			}
			if text, err := get(idle, "/"); err == nil {
				t.Errorf("after its end the group answers %q", text)
			}
		})
	}
}

// TestLargeBody checks what a client sees that sends a body of unknown length that is too
// large: a 413, while it still sends; and on HTTP/2 its connection lives on.
//
// Items: read-rest.
func TestLargeBody(t *testing.T) {
	eachWay(t, `
def app(environ, start_response):
    environ["wsgi.input"].read()
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [environ["larkspur.peer"]]
`, []string{"body", "100000"}, func(t *testing.T, s *session) {
		for range 3 {
			s.send([]string{"GET", "/"})
			peer := s.text
			r, err := s.site.request(http.MethodPost, "/", io.LimitReader(endless{}, 64<<20))
			if err != nil {
				t.Fatal(err)
			}
			s.answer = s.site.ask(r)
			s.status([]string{"413"})
			s.body([]string{"413 Request Entity Too Large\n"})
			s.logged([]string{"WARN LARK0303"})

			s.send([]string{"POST", "/", "<<", "small"})
			s.status([]string{"200"})
			if s.site.mode.proto == "HTTP/2.0" && s.text != peer {
				t.Error("the 413 has cost the connection")
			}
		}
	})
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

// TestLateContinue checks that no 100 comes once the response has begun, where it would stand
// in the midst of the body.
//
// Items: expect-continue.
func TestLateContinue(t *testing.T) {
	site := newSite(t, modes[0])
	s := newSession(newSetting(t), site, variants[0], fstest.MapFS{"app.star": {Data: []byte(`
def app(environ, start_response):
    path = environ["PATH_INFO"]
    text = environ["wsgi.input"].read() if path == "/read" else "unread"
    write = start_response("200 OK", [("Content-Type", "text/plain")])
    write("<")
    if path == "/late":
        text = environ["wsgi.input"].read()
    return [text, ">"]
`)}}, t.Fatalf)
	s.begin()
	for _, tt := range []struct{ path, first, text string }{
		{"/read", "HTTP/1.1 100 Continue\r\n", "<hello>"},
		{"/unread", "HTTP/1.1 200 OK\r\n", "<unread>"},
		{"/late", "HTTP/1.1 200 OK\r\n", "<hello>"},
	} {
		conn, err := net.Dial("tcp", site.listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.SetDeadline(time.Now().Add(patience)) // a TCP connection has deadlines
		_, err = io.WriteString(conn, "POST "+tt.path+" HTTP/1.1\r\nHost: h\r\nConnection: close\r\n"+
			"Expect: 100-continue\r\nContent-Length: 5\r\n\r\n")
		if err != nil {
			t.Fatal(err)
		}
		first := make([]byte, len(tt.first))
		if _, err := io.ReadFull(conn, first); err != nil || string(first) != tt.first {
			t.Errorf("%s: the answer begins with %q (%v), want %q", tt.path, first, err, tt.first)
		}
		if tt.path != "/unread" {
			if _, err := io.WriteString(conn, "hello"); err != nil {
				t.Fatal(err)
			}
		}
		rest, err := io.ReadAll(conn)
		if err != nil {
			t.Errorf("%s: %v", tt.path, err)
		}
		rest = append(first, rest...)
		if n := bytes.Count(rest, []byte("100 Continue")); n != strings.Count(tt.first, "100") {
			t.Errorf("%s: %d times 100 in %q", tt.path, n, rest)
		}
		var body string
		_, chunks, _ := strings.Cut(string(rest[bytes.Index(rest, []byte("200 OK")):]), "\r\n\r\n")
		for i, line := range strings.Split(chunks, "\r\n") {
			if i%2 == 1 {
				body += line
			}
		}
		if body != tt.text {
			t.Errorf("%s: the body is %q, want %q", tt.path, body, tt.text)
		}
		conn.Close()
		s.ends()
	}
}
