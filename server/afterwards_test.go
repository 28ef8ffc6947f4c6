package server_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/larkspur-web/larkspur/environ"
	rthost "github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/server"
	"go.starlark.net/starlark"
)

// trailing is an application that says trailers before, in and after its body.
const trailing = `
def app(environ, start_response):
    path = environ["PATH_INFO"]
    trailers = environ["larkspur.trailers"]
    if path == "/refused":
        trailers([("Set-Cookie", "a=1")])
    headers = [("Content-Type", "text/plain"), ("Trailer-Free", "1")]
    if path == "/length":
        headers.append(("Content-Length", "2"))
    start_response("200 OK" if path != "/304" else "304 Not Modified", headers)
    trailers([("X-First", "1")])
    if path == "/list" or path == "/length":
        return ["a", "b"]
    if path == "/304":
        return []
    def body(stream):
        stream.write("a")
        trailers([("X-Sum", "ab"), ("X-Sum", "ba")])
        stream.write("b")
    return body
`

// TestTrailers verifies that trailers follow the body, those announced that are known in time, where
// the protocol has a place for them.
//
// Items: trailers.
func TestTrailers(t *testing.T) {
	log := &logbook{}
	h := &server.Handler{App: program(t, trailing, nil), Logger: log.logger()}
	for _, m := range modes {
		s := newSite(t, m)
		s.serve(h)
		for _, c := range []struct{ method, path, announced, first, sum string }{
			{"GET", "/", "X-First", "1", "ab ba"},
			{"GET", "/list", "X-First", "1", ""},
			{"GET", "/length", "X-First", "1", ""},
			{"GET", "/304", "", "", ""},
			{"HEAD", "/", "", "", ""},
		} {
			r, err := s.request(c.method, c.path, nil)
			if err != nil {
				t.Fatal(err)
			}
			res, err := s.transport.RoundTrip(r)
			if err != nil {
				t.Fatal(err)
			}
			var announced []string
			for name := range res.Trailer {
				announced = append(announced, name)
			}
			text, err := io.ReadAll(res.Body)
			res.Body.Close()
			if err != nil || string(text) != "ab" && c.method == "GET" && c.path != "/304" {
				t.Errorf("%v %s %s: got %q, %v", m, c.method, c.path, text, err)
			}
			if c.path == "/length" && m.proto == "HTTP/1.1" {
				c.announced, c.first = "", "" // RFC 9112, section 7.1.2: they stand behind chunks
			}
			first, sum := res.Trailer.Get("X-First"), strings.Join(res.Trailer["X-Sum"], " ")
			if strings.Join(announced, " ") != c.announced || first != c.first || sum != c.sum {
				t.Errorf("%v %s %s: announced %v, sent %q, %q; want %+v", m, c.method, c.path,
					announced, first, sum, c)
			}
		}
		r, err := s.request("GET", "/refused", nil)
		if err != nil {
			t.Fatal(err)
		}
		if a := s.ask(r); a.code != 500 || !strings.Contains(log.String(), "LARK0216") {
			t.Errorf("%v: got %v; the log has %s", m, &a, log)
		}
	}
}

// A pulse is a body of two blocks with heart-beats, which waits before the second.
type pulse struct {
	*rthost.Iterable
	every time.Duration
}

func (p *pulse) Heartbeat() environ.Heartbeat { return environ.Heartbeat{Block: ".", Every: p.every} }

// pulsing loads an application that answers with a pulse, which waits in wait.
func pulsing(
	t *testing.T, every time.Duration, wait func(*starlark.Thread) error, closed starlark.Callable,
) *server.Handler {
	app := starlark.NewBuiltin("pulse", func(t *starlark.Thread, _ *starlark.Builtin,
		_ starlark.Tuple, _ []starlark.Tuple) (starlark.Value, error) {
		n := 0
		p := &pulse{&rthost.Iterable{Object: "pulse", Thread: t, OnClose: closed}, every}
		p.Start = func() rthost.Steps {
			return rthost.Steps{Next: func() (starlark.Value, bool, error) {
				if n++; n == 2 {
					if err := wait(t); err != nil {
						return nil, false, err
					}
				}
				return starlark.String("ab"[min(n, 2)-1 : min(n, 2)]), n <= 2, nil
			}}
		}
		return p, nil
	})
	return &server.Handler{
		App: program(t, `
def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return pulse()
`, starlark.StringDict{"pulse": app}),
		Logger: slog.New(slog.DiscardHandler),
	}
}

// byWait is a wait for what takes a context only.
func byWait(f func(context.Context) error) func(*starlark.Thread) error {
	return func(t *starlark.Thread) error { return rthost.CallOf(t).Wait(f) }
}

// TestHeartbeats verifies that a body which waits is heard, for longer than it may be silent, and
// that what it has waited for then follows.
func TestHeartbeats(t *testing.T) {
	for _, m := range modes {
		for _, polls := range []bool{false, true} {
			heard := make(chan struct{})
			wait := byWait(func(ctx context.Context) error { return rthost.Until(ctx, heard) })
			if polls {
				wait = func(t *starlark.Thread) error { return rthost.Await(t, heard) }
			}
			h := pulsing(t, 20*time.Millisecond, wait, nil)
			h.IdleTimeout = time.Minute
			s := newSite(t, m)
			s.serve(h)
			r, err := s.request("GET", "/", nil)
			if err != nil {
				t.Fatal(err)
			}
			res, err := s.transport.RoundTrip(r)
			if err != nil {
				t.Fatal(err)
			}
			begun := time.Now()
			text := make([]byte, 1+5)
			if _, err := io.ReadFull(res.Body, text); err != nil || string(text) != "a....." {
				t.Errorf("%v: got %q, %v after %v", m, text, err, time.Since(begun))
			}
			close(heard)
			rest, err := io.ReadAll(res.Body)
			res.Body.Close()
			if rest := strings.TrimLeft(string(rest), "."); err != nil || rest != "b" {
				t.Errorf("%v: got %q, %v at the end", m, rest, err)
			}
		}
	}
}

// TestHeartbeatsOutliveIdleTime verifies that a response with heart-beats is not silent.
func TestHeartbeatsOutliveIdleTime(t *testing.T) {
	const idle = time.Second
	h := pulsing(t, 10*time.Millisecond, func(t *starlark.Thread) error {
		over := make(chan struct{})
		time.AfterFunc(2*idle, func() { close(over) })
		return rthost.Await(t, over)
	}, nil)
	h.IdleTimeout = idle
	s := newSite(t, modes[1])
	s.serve(h)
	r, err := s.request("GET", "/", nil)
	if err != nil {
		t.Fatal(err)
	}
	if a := s.ask(r); a.cut != nil || !strings.HasSuffix(a.text, "b") {
		t.Errorf("got %v", &a)
	}
}

// TestHeartbeatsEnd verifies that a body whose client leaves while it waits ends, and is closed,
// and that a panic of what it waits for is one of the call.
func TestHeartbeatsEnd(t *testing.T) {
	closed := make(chan struct{})
	onClose := starlark.NewBuiltin("closed", func(*starlark.Thread, *starlark.Builtin,
		starlark.Tuple, []starlark.Tuple) (starlark.Value, error) {
		close(closed)
		return starlark.None, nil
	})
	for _, m := range modes {
		closed = make(chan struct{})
		s := newSite(t, m)
		s.serve(pulsing(t, 10*time.Millisecond, func(t *starlark.Thread) error {
			if m == modes[0] {
				return rthost.Await(t, nil)
			}
			return byWait(func(ctx context.Context) error { return rthost.Until(ctx, nil) })(t)
		}, onClose))
		r, err := s.request("GET", "/", nil)
		if err != nil {
			t.Fatal(err)
		}
		ctx, leave := context.WithCancel(t.Context())
		res, err := s.transport.RoundTrip(r.WithContext(ctx))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(res.Body, make([]byte, 3)); err != nil {
			t.Error(err)
		}
		leave()
		res.Body.Close()
		<-closed
	}
	s := newSite(t, modes[0])
	s.serve(pulsing(t, time.Hour, byWait(func(context.Context) error { panic("fault") }), nil))
	r, err := s.request("GET", "/", nil)
	if err != nil {
		t.Fatal(err)
	}
	if a := s.ask(r); a.cut == nil || errors.Is(a.cut, http.ErrBodyReadAfterClose) {
		t.Errorf("got %v", &a)
	}
}

// TestLink verifies that a link which is added is in the response of whoever answers, and not once
// that has begun.
func TestLink(t *testing.T) {
	h := &server.Handler{Logger: slog.New(slog.DiscardHandler), App: program(t, `
def app(environ, start_response):
    link = environ["larkspur.link"]
    link("</a.css>; rel=preload; as=style")
    write = start_response("200 OK", [("Link", "</b>; rel=next")])
    link("</c.css>; rel=preload; as=style")
    write("x")
    return [str(link("</d.css>; rel=preload; as=style"))]
`, nil)}
	for _, m := range modes {
		s := newSite(t, m)
		s.serve(h)
		r, err := s.request("GET", "/", nil)
		if err != nil {
			t.Fatal(err)
		}
		a := s.ask(r)
		want := "</b>; rel=next|</a.css>; rel=preload; as=style|</c.css>; rel=preload; as=style"
		if got := strings.Join(a.fields["Link"], "|"); got != want || a.text != "xFalse" {
			t.Errorf("%v: got %v", m, &a)
		}
	}
}
