package server_test

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/larkspur-web/larkspur/environ"
	"github.com/larkspur-web/larkspur/push"
	"github.com/larkspur-web/larkspur/runtime"
	rthost "github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/server"
	"go.starlark.net/starlark"
)

// program loads a script.
func program(t testing.TB, source string, predeclared starlark.StringDict) *runtime.Program {
	t.Helper()
	p, err := runtime.Load(&runtime.Config{FS: fstest.MapFS{"app.star": {Data: []byte(source)}}, Predeclared: predeclared}, "app.star")
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// where answers with the mount and the rest of the path.
const where = `
def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [environ["SCRIPT_NAME"], "|", environ["PATH_INFO"]]
`

// TestFrontMounts has requests for applications and Go handlers under several mounts of several hosts.
func TestFrontMounts(t *testing.T) {
	app := &server.Gateway{App: program(t, where, nil)}
	wrapped := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { // middleware that hides nothing
		w.Header().Set("X-Wrapped", "yes")
		app.ServeHTTP(w, r)
	})
	f := &server.Front{
		Mounts: []server.Mount{
			{Path: "/a", Handler: app},
			{Path: "/a/b", Handler: wrapped},
			{Host: "b.test", Path: "/a", Handler: http.NotFoundHandler()},
			{Host: "b.test", Handler: app},
			{Path: "/go", Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "go "+r.URL.Path) })},
		},
		Logger: slog.New(slog.DiscardHandler),
	}
	cases := []struct {
		target string
		status int
		body   string
	}{
		{"http://a.test/a", 200, "/a|"},
		{"http://a.test/a/", 200, "/a|/"},
		{"http://a.test/a/c", 200, "/a|/c"},
		{"http://a.test/a/b/c", 200, "/a/b|/c"},
		{"http://a.test/ab", 404, "404 Not Found\n"},
		{"http://a.test/", 404, "404 Not Found\n"},
		{"http://a.test/go/x", 200, "go /go/x"},
		{"http://b.test/a/b", 404, "404 page not found\n"},
		{"http://B.test:80/x", 200, "|/x"},
		{"http://[::1]:80/a/x", 200, "/a|/x"},
	}
	for _, c := range cases {
		w := httptest.NewRecorder()
		f.ServeHTTP(w, httptest.NewRequest("GET", c.target, nil))
		if w.Code != c.status || w.Body.String() != c.body {
			t.Errorf("%s: got %d %q, want %d %q", c.target, w.Code, w.Body, c.status, c.body)
		}
	}
}

// TestFrontPushesAcrossMounts verifies that a page of one application promises what another application, and what
// a Go handler, has under another mount of the same host, each in the page's slot.
func TestFrontPushesAcrossMounts(t *testing.T) {
	slots := &server.Slots{Calls: 1, Queue: -1}
	page := program(t, `
def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/html"), ("Link", "</static/a.css>; rel=preload, </go/a.js>; rel=preload")])
    return ["page"]
`, nil)
	s := serve(t, &server.Front{
		Mounts: []server.Mount{
			{Path: "/blog", Handler: &server.Gateway{App: page, Slots: slots}},
			{Path: "/static", Handler: &server.Gateway{App: program(t, where, nil), Slots: slots}},
			{Path: "/go", Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "script") })},
		},
		Push: &push.Policy{VerifyTimeout: 20 * time.Second},
	})
	c := dialPushes(t, s.URL, nil)
	x := ask(t, c, "/blog/")
	if got, want := fmt.Sprint(bodies(x)), "[/static|/a.css script]"; got != want {
		t.Errorf("promised %s, want %s", got, want)
	}
}

// TestFrontBoundsBodies verifies that a body of unknown length is cut off at the limit for a Go handler too.
func TestFrontBoundsBodies(t *testing.T) {
	var read int64
	var failed error
	f := &server.Front{MaxBody: 1000, Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		read, failed = io.Copy(io.Discard, r.Body)
	})}
	f.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("POST", "/", unsized(strings.Repeat("x", 5000))))
	var large *http.MaxBytesError
	if read != 1000 || !errors.As(failed, &large) {
		t.Errorf("read %d bytes, then %v; want 1000, then a MaxBytesError", read, failed)
	}
}

// TestGatewayAlone verifies that a gateway without a front serves, at the root, and gives its slot back.
func TestGatewayAlone(t *testing.T) {
	g := &server.Gateway{App: program(t, where, nil), Slots: &server.Slots{Calls: 1, Queue: -1}}
	for range 3 {
		w := httptest.NewRecorder()
		g.ServeHTTP(w, httptest.NewRequest("GET", "/a/b", nil))
		if w.Code != 200 || w.Body.String() != "|/a/b" {
			t.Errorf("got %d %q", w.Code, w.Body)
		}
	}
}

// An answered is an error that carries an application.
type answered struct{ app starlark.Callable }

func (answered) Error() string               { return "answered" }
func (a answered) Answer() starlark.Callable { return a.app }

var _ rthost.Answerer = answered{}

// TestErrorAnswers verifies that an application which an error carries answers in the place of the one that
// failed, from any depth and whatever that had said, and that nothing is logged; once the response has
// begun the error is one like any other.
func TestErrorAnswers(t *testing.T) {
	abort := starlark.NewBuiltin("abort", func(_ *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, _ []starlark.Tuple) (starlark.Value, error) {
		return nil, answered{args[0].(starlark.Callable)}
	})
	app := program(t, `
def denied(environ, start_response):
    start_response("403 Forbidden", [("Content-Type", "text/plain"), ("X-Path", environ["PATH_INFO"])])
    return ["no"]
def deep(n):
    if n > 0:
        return deep(n - 1)
    abort(denied)
def app(environ, start_response):
    if environ["PATH_INFO"] == "/started":
        start_response("200 OK", [("X-First", "1")])
    if environ["PATH_INFO"] == "/sent":
        start_response("200 OK", [("Content-Type", "text/plain")])("first")
    deep(5)
`, starlark.StringDict{"abort": abort})
	var log strings.Builder
	h := &server.Handler{App: app, Logger: slog.New(slog.NewTextHandler(&log, nil))}
	for _, path := range []string{"/", "/started"} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
		if w.Code != 403 || w.Body.String() != "no" || w.Header().Get("X-First") != "" || w.Header().Get("X-Path") != path {
			t.Errorf("%s: got %d %q %v", path, w.Code, w.Body, w.Header())
		}
	}
	if log.Len() > 0 {
		t.Errorf("the log has %s", &log)
	}
	func() {
		defer func() {
			if v := recover(); v != http.ErrAbortHandler {
				t.Errorf("after the first block: %v, want the response to be broken off", v)
			}
		}()
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/sent", nil))
	}()
	if !strings.Contains(log.String(), "LARK0501") {
		t.Errorf("the log has %q", &log)
	}
}

// TestStarter has an application that is written in Go answer with Go values, rightly and wrongly.
func TestStarter(t *testing.T) {
	cases := []struct {
		status int
		fields []environ.Field
		want   string // code of the fault
	}{
		{404, []environ.Field{{Name: "Content-Type", Value: "text/plain"}, {Name: "X-A", Value: "1"}, {Name: "x-a", Value: "2"}}, ""},
		{103, nil, "LARK0203"},
		{99, nil, "LARK0202"},
		{600, nil, "LARK0202"},
		{200, []environ.Field{{Name: "a b", Value: "1"}}, "LARK0206"},
		{200, []environ.Field{{Name: "A", Value: "1\r\nB: 2"}}, "LARK0207"},
		{200, []environ.Field{{Name: "Upgrade", Value: "x"}}, "LARK0208"},
		{200, []environ.Field{{Name: "Content-Length", Value: "x"}}, "LARK0210"},
	}
	for _, c := range cases {
		app := starlark.NewBuiltin("app", func(_ *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, _ []starlark.Tuple) (starlark.Value, error) {
			if err := args[1].(environ.Starter).Start(c.status, c.fields); err != nil {
				return nil, err
			}
			if err := args[1].(environ.Starter).Start(c.status, c.fields); rthost.CodeOf(err) != "LARK0211" {
				t.Errorf("%d: a second call: %v", c.status, err)
			}
			return starlark.NewList([]starlark.Value{starlark.String("text")}), nil
		})
		w := httptest.NewRecorder()
		var log strings.Builder
		(&server.Handler{App: program(t, "app = made", starlark.StringDict{"made": app}), Logger: slog.New(slog.NewTextHandler(&log, nil))}).
			ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
		if c.want == "" {
			if w.Code != 404 || w.Body.String() != "text" || fmt.Sprint(w.Header()["X-A"]) != "[1 2]" {
				t.Errorf("got %d %q %v", w.Code, w.Body, w.Header())
			}
		} else if w.Code != 500 || !strings.Contains(log.String(), c.want) {
			t.Errorf("%d %v: got %d and the log %q, want %s", c.status, c.fields, w.Code, &log, c.want)
		}
	}
}

// BenchmarkMount measures what a mount in Starlark costs: two keys that it sets, around an application that
// reads a few.
func BenchmarkMount(b *testing.B) {
	const source = `
def hello(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [environ["REQUEST_METHOD"], environ["PATH_INFO"], environ["HTTP_ACCEPT"]]
def mounted(environ, start_response):
    path = environ["PATH_INFO"]
    environ["SCRIPT_NAME"] += "/hello"
    environ["PATH_INFO"] = path[6:]
    return hello(environ, start_response)
`
	for _, entry := range []string{"hello", "mounted"} {
		b.Run(entry, func(b *testing.B) {
			p, err := runtime.Load(&runtime.Config{FS: fstest.MapFS{"app.star": {Data: []byte(source)}}}, "app.star:"+entry)
			if err != nil {
				b.Fatal(err)
			}
			h, r := &server.Handler{App: p}, request()
			r.URL.Path = "/hello/world"
			w := &sink{header: http.Header{}}
			b.ReportAllocs()
			for b.Loop() {
				w.serve(h, r)
			}
		})
	}
}
