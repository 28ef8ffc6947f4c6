package server_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	stdruntime "runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"github.com/larkspur-web/larkspur/environ/lib/body"
	libhttp "github.com/larkspur-web/larkspur/environ/lib/http"
	"github.com/larkspur-web/larkspur/environ/lib/static"
	"github.com/larkspur-web/larkspur/runtime"
	libhost "github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/server"
	"go.starlark.net/starlark"
)

// eachInput runs test over each protocol that a request's body can come by, with a script served by a handler.
func eachInput(t *testing.T, of *server.Handler, c runtime.Config, script string, test func(t *testing.T, client *http.Client, url string)) {
	c.FS = fstest.MapFS{"app.star": {Data: []byte(script)}}
	app, err := runtime.Load(&c, "app.star")
	if err != nil {
		t.Fatal(err)
	}
	for _, mode := range []string{"HTTP/1.1", "HTTP/2 in cleartext", "HTTP/2 over TLS"} {
		t.Run(mode, func(t *testing.T) {
			h := &server.Handler{App: app, MaxBody: of.MaxBody, Logger: of.Logger}
			if h.Logger == nil {
				h.Logger = slog.New(slog.DiscardHandler)
			}
			s := httptest.NewUnstartedServer(h)
			if err := server.Configure(s.Config); err != nil {
				t.Fatal(err)
			}
			transport := new(http.Transport)
			switch mode {
			case "HTTP/1.1":
				s.Start()
			case "HTTP/2 in cleartext":
				s.Start()
				transport.Protocols = new(http.Protocols)
				transport.Protocols.SetUnencryptedHTTP2(true)
			default:
				s.EnableHTTP2 = true
				s.StartTLS()
				transport = s.Client().Transport.(*http.Transport)
			}
			defer s.Close()
			defer transport.CloseIdleConnections()
			transport.ExpectContinueTimeout = time.Hour
			test(t, &http.Client{Transport: transport}, s.URL)
		})
	}
}

// post sends a body, of unknown length unless r tells it, and returns the response with its text.
func post(t *testing.T, client *http.Client, url string, r io.Reader, fields ...string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), "POST", url, r)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(fields); i += 2 {
		req.Header.Set(fields[i], fields[i+1])
	}
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(text)
}

// unsized hides the length of a body, which is sent in chunks or, over HTTP/2, without one.
func unsized(s string) io.Reader { return struct{ io.Reader }{strings.NewReader(s)} }

func TestInputLength(t *testing.T) {
	const script = `
def app(environ, start_response):
    start_response("200 OK", [])
    i = environ["wsgi.input"]
    return [str([environ.get("CONTENT_LENGTH"), environ["wsgi.input_terminated"], i.readline(), i.read(3), i.read(), i.read(), i.read(1)])]
`
	eachInput(t, &server.Handler{}, runtime.Config{}, script, func(t *testing.T, client *http.Client, url string) {
		for _, tt := range []struct {
			name string
			body io.Reader
			want string
		}{
			{"content-variables: known", strings.NewReader("one\ntwo three"), `["13", True, b"one\n", b"two", b" three", b"", b""]`},
			{"input-terminated: unknown", unsized("one\ntwo three"), `[None, True, b"one\n", b"two", b" three", b"", b""]`},
			{"input-present: none", nil, `["0", True, b"", b"", b"", b"", b""]`},
			{"unknown and empty", unsized(""), `[None, True, b"", b"", b"", b"", b""]`},
		} {
			if _, got := post(t, client, url, tt.body); got != tt.want {
				t.Errorf("%s: got %s, want %s", tt.name, got, tt.want)
			}
		}
	})
}

// TestInputContinue checks expect-continue: a 100 is sent when the application reads, and only then.
func TestInputContinue(t *testing.T) {
	const script = `
def app(environ, start_response):
    text = environ["wsgi.input"].read() if environ["PATH_INFO"] == "/read" else b"unread"
    start_response("200 OK", [("Content-Length", str(len(text)))])
    late = environ["wsgi.input"].read() if environ["PATH_INFO"] == "/late" else b""
    if environ["PATH_INFO"] == "/stream":
        return lambda stream: stream.write(text)
    return [text]
`
	eachInput(t, &server.Handler{}, runtime.Config{}, script, func(t *testing.T, client *http.Client, url string) {
		for _, tt := range []struct {
			path, want string
			continued  bool
		}{
			{"/read", "body", true},
			{"/ignore", "unread", false},
			{"/stream", "unread", false},
			{"/late", "unread", true}, // the header is not on the wire yet
			{"/read", "body", true},   // the connection, if it is the same, was not left with half a body
		} {
			var continued, read atomic.Bool
			trace := &httptrace.ClientTrace{Got100Continue: func() { continued.Store(true) }}
			body := readerFunc(func(p []byte) (int, error) {
				read.Store(true)
				return 0, io.EOF
			})
			req, err := http.NewRequestWithContext(httptrace.WithClientTrace(t.Context(), trace), "POST", url+tt.path, io.MultiReader(body, strings.NewReader("body")))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Expect", "100-continue")
			res, err := client.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			text, err := io.ReadAll(res.Body)
			res.Body.Close()
			if err != nil || res.StatusCode != 200 || string(text) != tt.want {
				t.Errorf("%s: got %d %q, %v; want %q", tt.path, res.StatusCode, text, err, tt.want)
			}
			if continued.Load() != tt.continued || read.Load() != tt.continued {
				t.Errorf("%s: got a 100 %v, body sent %v; want %v", tt.path, continued.Load(), read.Load(), tt.continued)
			}
		}
	})
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// A peak is the most that the heap held at the calls of measure.
type peak struct{ base, most uint64 }

func (p *peak) measure() {
	stdruntime.GC()
	var m stdruntime.MemStats
	stdruntime.ReadMemStats(&m)
	if p.base == 0 {
		p.base = m.HeapAlloc
	}
	p.most = max(p.most, m.HeapAlloc)
}

// TestInputStreams sends 20 MiB through an application, on a heap that grows by less than 8 MiB.
func TestInputStreams(t *testing.T) {
	const script = `
block = 64 << 10

def app(environ, start_response):
    read = environ["wsgi.input"].read
    start_response("200 OK", [])
    if environ["PATH_INFO"] == "/echo":
        return echo
    if environ["PATH_INFO"] == "/input":
        return environ["wsgi.file_wrapper"](environ["wsgi.input"])
    total = 0
    while True:
        p = read(block)
        if not p:
            return [str(total)]
        total += len(p)
        if total % (1 << 20) == 0:
            measure()

def echo(stream):
    total = 0
    while True:
        p = stream.read(block)
        if not p:
            return
        stream.write(p)
        total += len(p)
        if total % (1 << 20) == 0:
            measure()
`
	const size = 20 << 20
	var heap peak
	config := runtime.Config{Predeclared: starlark.StringDict{"measure": libhost.Func("measure", func() { heap.measure() })}}
	eachInput(t, &server.Handler{MaxBody: -1}, config, script, func(t *testing.T, client *http.Client, url string) {
		for _, path := range []string{"/count", "/echo", "/input"} {
			heap = peak{}
			heap.measure()
			sent := io.LimitReader(zeros{}, size)
			req, err := http.NewRequestWithContext(t.Context(), "POST", url+path, sent)
			if err != nil {
				t.Fatal(err)
			}
			res, err := client.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			if path == "/count" {
				text, err := io.ReadAll(res.Body)
				if string(text) != fmt.Sprint(size) {
					t.Errorf("%s: got %q, %v", path, text, err)
				}
			} else if n, err := io.Copy(io.Discard, res.Body); n != size || err != nil {
				t.Errorf("%s: got %d bytes back, %v", path, n, err)
			}
			res.Body.Close()
			heap.measure()
			if grown := heap.most - heap.base; grown > 8<<20 {
				t.Errorf("%s: the heap grew by %d bytes", path, grown)
			} else {
				t.Logf("%s: the heap grew by %d KiB", path, grown>>10)
			}
		}
	})
}

// TestInputIsReadOn reads the body while the response is sent, in each way that there is: not a byte is lost. What is left
// when the response has ended cannot be read.
func TestInputIsReadOn(t *testing.T) {
	const script = `
load("@body", "body", "body_map", "body_chain")

def kind(block, error):
    return error.kind if error else "%d bytes" % len(block)

def app(environ, start_response):
    path = environ["PATH_INFO"]
    i = environ["wsgi.input"]
    write = start_response("200 OK", [])
    if path == "/write":
        write(i.readline())
        return [i.read()]
    if path == "/iterate":
        return i
    if path == "/map":
        return body_map(lambda line: line, i)
    if path == "/chain":
        return body_chain([i.readline()], i)
    if path == "/file":
        return environ["wsgi.file_wrapper"](i)
    if path == "/stream":
        return lambda stream: [stream.write(line) for line in i]
    if path == "/list":
        environ["larkspur.on_finish"](lambda status, error: over(kind(*catch(i.read))))
        return [i.readline()]
`
	var lines strings.Builder
	for n := range 400 {
		fmt.Fprintf(&lines, "line %2500d\n", n)
	}
	over := make(chan string, 1)
	config := runtime.Config{
		Modules:     []*libhost.Module{body.Module()},
		Predeclared: starlark.StringDict{"over": libhost.Func("over", func(kind string) { over <- kind })},
	}
	eachInput(t, &server.Handler{}, config, script, func(t *testing.T, client *http.Client, url string) {
		for _, path := range []string{"/write", "/iterate", "/map", "/chain", "/file", "/stream"} {
			for _, body := range []io.Reader{strings.NewReader(lines.String()), unsized(lines.String())} {
				if _, got := post(t, client, url+path, body); got != lines.String() {
					t.Errorf("%s: got %d bytes, other than the %d that were sent", path, len(got), lines.Len())
				}
			}
		}
		for range 5 { // one that has come whole when it is first read
			for _, path := range []string{"/write", "/iterate", "/map", "/chain", "/file", "/stream"} {
				if _, got := post(t, client, url+path, strings.NewReader("one\ntwo\nthree")); got != "one\ntwo\nthree" {
					t.Errorf("%s: got %q of a small body", path, got)
				}
			}
		}
		if _, got := post(t, client, url+"/list", strings.NewReader(lines.String())); !strings.HasPrefix(lines.String(), got) || len(got) != 2506 {
			t.Errorf("got %q", got)
		}
		if kind := <-over; kind != "LARK0301" {
			t.Errorf("after the response: got %s, want LARK0301", kind)
		}
	})
}

// TestInputUnread answers without a look at the body: the client gets the whole response, and the next request is as any.
func TestInputUnread(t *testing.T) {
	const script = `
load("@body", "body")

def app(environ, start_response):
    write = start_response("200 OK", [])
    if environ["PATH_INFO"] == "/write":
        write("answer")
        return []
    if environ["PATH_INFO"] == "/read":
        environ["wsgi.input"].read()
    if environ["PATH_INFO"] in ("/read", "/body"):
        return body(["ans", "wer"])
    if environ["PATH_INFO"] == "/stream":
        return lambda stream: stream.write("answer")
    return ["answer"]
`
	config := runtime.Config{Modules: []*libhost.Module{body.Module()}}
	large := strings.Repeat("x", 1<<20)
	eachInput(t, &server.Handler{}, config, script, func(t *testing.T, client *http.Client, url string) {
		for range 3 {
			for _, path := range []string{"/write", "/body", "/stream", "/read", "/list"} {
				for _, sent := range []string{"", "small", large} {
					for _, r := range []io.Reader{strings.NewReader(sent), unsized(sent)} {
						res, text := post(t, client, url+path, r)
						if res.StatusCode != 200 || text != "answer" {
							t.Errorf("%s with %d bytes: got %d %q", path, len(sent), res.StatusCode, text)
						}
						// A connection is given up only for a body that nobody has read.
						if res.Close && path == "/read" {
							t.Errorf("%s with %d bytes: the connection was closed", path, len(sent))
						}
					}
				}
			}
		}
	})
}

// TestLoopThatFails has a for loop over something that fails, which it would take for the end: the call ends with it.
func TestLoopThatFails(t *testing.T) {
	const script = `
load("@http", "input")
load("@static", "file")

shared = input(b"a")

def closed():
    f = file("app.star")
    f.close()
    return f

def app(environ, start_response):
    start_response("200 OK", [])
    wrap = environ["wsgi.file_wrapper"]
    path = environ["PATH_INFO"]
    if path == "/fine":
        over = wrap(file("app.star"))
    elif path == "/input":
        over = input([b"a", 1])
    elif path == "/shared":
        over = [shared.read()]
    elif path == "/file":
        over = closed()
    elif path == "/wrapper":
        over = wrap(closed())
    for block in over:
        pass
    return ["the end"]
`
	eachInput(t, &server.Handler{}, runtime.Config{Modules: []*libhost.Module{libhttp.Module(), static.Module()}}, script, func(t *testing.T, client *http.Client, url string) {
		for path, want := range map[string]int{"/fine": 200, "/input": 500, "/file": 500, "/wrapper": 500, "/shared": 500} {
			if res, text := post(t, client, url+path, nil); res.StatusCode != want {
				t.Errorf("%s: got %d %q, want %d", path, res.StatusCode, text, want)
			}
		}
	})
}

// zeros are zeros without end.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// TestInputBreaksOff checks input-failed and disconnect: when the client resets in the middle of the body, whatever reads it fails, now
// and later, and nothing takes the half for the whole.
func TestInputBreaksOff(t *testing.T) {
	const script = `
def app(environ, start_response):
    i = environ["wsgi.input"]
    if i.read(5) != b"first":
        fail("the beginning is not there")
    ready()
    attempt(lambda: i.read(), lambda: i.read(), lambda: i.read(1), lambda: i.readline(), lambda: i.readlines(), lambda: read(environ["PATH_INFO"], i))
    start_response("200 OK", [])
    return ["whole"]

def read(path, i):
    for line in i:
        pass
    fail("the loop ended like one over a whole body")
`
	var ready func()
	failed := make(chan error, 10)
	config := runtime.Config{Predeclared: starlark.StringDict{
		"ready": libhost.Func("ready", func() { ready() }),
		// attempt is catch of each, also when the call is over because the client is gone.
		"attempt": starlark.NewBuiltin("attempt", func(t *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, _ []starlark.Tuple) (starlark.Value, error) {
			for _, f := range args {
				v, err := starlark.Call(t, f, nil, nil)
				if err == nil {
					err = fmt.Errorf("it returned %s", v)
				}
				failed <- err
			}
			return starlark.None, nil
		}),
	}}
	eachInput(t, &server.Handler{}, config, script, func(t *testing.T, client *http.Client, url string) {
		reset := make(chan struct{})
		ready = func() { close(reset) }
		body := io.MultiReader(strings.NewReader("first and "), readerFunc(func([]byte) (int, error) {
			<-reset
			return 0, errors.New("the client changed its mind")
		}))
		req, err := http.NewRequestWithContext(t.Context(), "POST", url, body)
		if err != nil {
			t.Fatal(err)
		}
		if res, err := client.Do(req); err == nil {
			res.Body.Close()
			t.Errorf("got a response, %s", res.Status)
		}
		for i := range 6 {
			err := <-failed
			var kinder interface{ Kind() string }
			if i == 5 {
				// A loop cannot fail: the call does, with what ended it.
				if strings.Contains(err.Error(), "whole body") {
					t.Errorf("iteration: %v", err)
				}
				continue
			}
			if i > 0 && strings.Contains(err.Error(), "context canceled") {
				continue // on a busy machine the call was ended before
			}
			if !errors.As(err, &kinder) || kinder.Kind() != "LARK0302" {
				t.Errorf("read %d: got %v, want LARK0302", i, err)
			}
		}
	})
}

// TestInputSlow has clients that send the rest of a body too late, or not at all: they get a 408, and one that is only
// slow is waited for.
func TestInputSlow(t *testing.T) {
	const script = `
def app(environ, start_response):
    text = environ["wsgi.input"].read()
    start_response("200 OK", [])
    return [text]
`
	t.Run("in time", func(t *testing.T) {
		eachInput(t, &server.Handler{}, runtime.Config{}, script, func(t *testing.T, client *http.Client, url string) {
			n := 0
			body := readerFunc(func(p []byte) (int, error) {
				if n++; n > 10 {
					return 0, io.EOF
				}
				time.Sleep(10 * time.Millisecond)
				return copy(p, "x"), nil
			})
			if res, text := post(t, client, url, body); res.StatusCode != 200 || text != "xxxxxxxxxx" {
				t.Errorf("got %d %q", res.StatusCode, text)
			}
		})
	})
	t.Run("too late", func(t *testing.T) {
		var log recorder
		config := runtime.Config{Limits: runtime.Limits{Time: 100 * time.Millisecond}}
		eachInput(t, &server.Handler{Logger: slog.New(&log)}, config, script, func(t *testing.T, client *http.Client, url string) {
			r, w := io.Pipe()
			defer w.Close()
			go func() { _, _ = io.WriteString(w, "half ") }() // and no more
			res, text := post(t, client, url, r)
			if res.StatusCode != http.StatusRequestTimeout {
				t.Errorf("got %d %q", res.StatusCode, text)
			}
			if code := log.last(); code != "LARK0302" {
				t.Errorf("got %s in the log", code)
			}
		})
	})
}

// A recorder keeps the code of the last record.
type recorder struct{ code atomic.Value }

func (l *recorder) last() string                             { s, _ := l.code.Load().(string); return s }
func (l *recorder) Enabled(context.Context, slog.Level) bool { return true }
func (l *recorder) WithAttrs([]slog.Attr) slog.Handler       { return l }
func (l *recorder) WithGroup(string) slog.Handler            { return l }
func (l *recorder) Handle(_ context.Context, r slog.Record) error {
	r.Attrs(func(a slog.Attr) bool {
		if a.Key == "code" {
			l.code.Store(a.Value.String())
		}
		return true
	})
	return nil
}
