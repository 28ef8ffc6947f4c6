package dev_test

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/larkspur-web/larkspur/environ"
	"github.com/larkspur-web/larkspur/environ/lib/response"
	"github.com/larkspur-web/larkspur/environ/lib/websocket"
	"github.com/larkspur-web/larkspur/push"
	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/runtime/tee"
	"github.com/larkspur-web/larkspur/server"
	"github.com/larkspur-web/larkspur/server/dev"
)

const script = `def app(environ, start_response):
    path = environ["PATH_INFO"]
    print("asked for", path)
    environ["wsgi.errors"].write("to the log\n")
    if path == "/fail":
        n = len(environ["wsgi.input"].read())
        return n // 0
    if path == "/bare":
        return "no body"
    if path == "/late":
        start_response("200 OK", [])(b"begun")
        return 1 // 0
    if path.startswith("/raise"):
        fail(str(environ["wsgi.input"].read()))
    environ["wsgi.early_hints"]([("Link", "</a.css>; rel=preload")])
    start_response("200 OK", [("Content-Type", "text/html"), ("Set-Cookie", "id=secret")])
    return ["<!doctype html><p>hello"]
`

// develop returns a handler that develops the script, and the directory that it is in.
func develop(t testing.TB, logger *slog.Logger) (s http.Handler, dir string) {
	t.Helper()
	return developOther(t, logger, script)
}

// developOther is develop with another script.
func developOther(t testing.TB, logger *slog.Logger, script string) (s http.Handler, dir string) {
	t.Helper()
	dir = t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "app.star"), []byte(script), 0o644); err != nil {
		t.Fatal(err)
	}
	logger = slog.New(tee.New(logger.Handler()))
	app, err := runtime.Load(&runtime.Config{
		FS: runtime.Dir(dir), Logger: logger, Modules: []*host.Module{response.Module(websocket.Module())},
	}, "app.star")
	if err != nil {
		t.Fatal(err)
	}
	d := dev.New("")
	developed := d.Develop(dev.Config{Tree: runtime.Dir(dir), Dir: dir})
	return d.Handler(&server.Handler{
		App: developed.Wrap(app, "", environ.Config{}), ErrorPage: d.ErrorPage, Logger: logger,
		Push: &push.Policy{HintHTTP1: true, Observe: dev.Note},
	}), dir
}

// ask makes a request of this machine. Fields are written Name: value.
func ask(s http.Handler, method, target, body string, fields ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	r.RemoteAddr, r.Host = "127.0.0.1:40000", "localhost:8000"
	for _, f := range fields {
		switch name, value, _ := strings.Cut(f, ": "); name {
		case "Host":
			r.Host = value
		case "Peer":
			r.RemoteAddr = value
		default:
			r.Header.Add(name, value)
		}
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(final{w}, r)
	return w
}

// final is a recorder that knows of interim responses.
type final struct{ *httptest.ResponseRecorder }

func (w final) WriteHeader(status int) {
	if status >= 200 {
		w.ResponseRecorder.WriteHeader(status)
	}
}

// TestLocal asks for all that is private as somebody at this machine, and as all others: other
// peers, names that were made to point here, pages of other sites, proxies. They get nothing of
// it.
func TestLocal(t *testing.T) {
	s, _ := develop(t, slog.New(slog.DiscardHandler))
	ask(s, "GET", "/fail", "")
	private := []struct{ method, target, sign string }{
		{"GET", "/_larkspur/", "<table>"},
		{"GET", "/_larkspur/requests/1", "Replay"},
		{"GET", "/_larkspur/live.js", "EventSource"},
		{"GET", "/fail", "Traceback"},
		{"POST", "/fail", "Traceback"},
	}
	cases := []struct {
		fields []string
		local  bool
	}{
		{nil, true},
		{[]string{"Host: 127.0.0.1:8000"}, true},
		{[]string{"Host: [::1]:8000", "Peer: [::1]:40000"}, true},
		{[]string{"Host: localhost"}, true},
		{[]string{"Host: localhost", "Peer: @"}, true}, // a unix socket
		{[]string{"Origin: http://localhost:8000"}, true},
		{[]string{"Sec-Fetch-Site: same-origin"}, true},
		{[]string{"Host: evil.example:8000"}, false},
		{[]string{"Host: localhost.evil.example"}, false},
		{[]string{"Host: 127.0.0.1.evil.example"}, false},
		{[]string{"Host: 192.0.2.1"}, false},
		{[]string{"Host: "}, false},
		{[]string{"Peer: 192.0.2.1:40000"}, false},
		{[]string{"Origin: http://evil.example"}, false},
		{[]string{"Origin: http://localhost:9000"}, false},
		{[]string{"Origin: null"}, false},
		{[]string{"X-Forwarded-For: 192.0.2.1"}, false},
		{[]string{"Forwarded: for=192.0.2.1"}, false},
		{[]string{"Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: no-cors", "Sec-Fetch-Dest: script"},
			false},
		{[]string{"Sec-Fetch-Site: same-site", "Sec-Fetch-Mode: cors"}, false},
		{[]string{"Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: iframe"},
			false},
	}
	for _, c := range cases {
		for _, p := range private {
			w := ask(s, p.method, p.target, "", c.fields...)
			if got := strings.Contains(w.Body.String(), p.sign); got != c.local {
				t.Errorf("%s %s %q: shown %v, want %v: %d %s",
					p.method, p.target, c.fields, got, c.local, w.Code, w.Body)
			}
		}
		w := ask(s, "POST", "/_larkspur/requests/1/replay", "", c.fields...)
		if got := w.Code == http.StatusSeeOther; got != c.local {
			t.Errorf("replay %q: status %d, want it done: %v", c.fields, w.Code, c.local)
		}
		w = ask(s, "GET", "/", "", c.fields...)
		if got := strings.Contains(w.Body.String(), "live.js"); got != c.local {
			t.Errorf("page %q: with the script %v, want %v", c.fields, got, c.local)
		}
	}
}

// TestInspector holds what is shown of a request: what it was, what was logged for it, what was
// hinted; and that what is secret is masked.
func TestInspector(t *testing.T) {
	s, _ := develop(t, slog.New(slog.DiscardHandler))
	ask(s, "GET", "/page?q=1", "", "Cookie: id=hush", "Authorization: Bearer hush", "X-Plain: seen")
	page := ask(s, "GET", "/_larkspur/requests/1", "").Body.String()
	for _, want := range []string{
		"/page?q=1", "asked for /page", "to the log", "app.star:3", "103 Early Hints",
		"&lt;/a.css&gt;; rel=preload", "X-Plain", "seen", "HTTP_X_PLAIN", "QUERY_STRING",
		"(7 bytes, masked)",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	for _, secret := range []string{"hush", "id=secret"} {
		if strings.Contains(page, secret) {
			t.Errorf("the page shows %q", secret)
		}
	}
	func() {
		defer func() { _ = recover() }() // the response is broken off
		ask(s, "GET", "/late", "")
	}()
	page = ask(s, "GET", "/_larkspur/requests/2", "").Body.String()
	if !strings.Contains(page, "broken off") || !strings.Contains(page, "floored division by zero") {
		t.Errorf("of a response that was broken off is said %s", page)
	}
	for range 300 {
		ask(s, "GET", "/", "")
	}
	if code := ask(s, "GET", "/_larkspur/requests/1", "").Code; code != http.StatusNotFound {
		t.Errorf("the first of 302 requests: status %d, want 404", code)
	}
}

// TestFix verifies that who broke the contract is told what to write instead, and the code of the
// rule once.
func TestFix(t *testing.T) {
	s, _ := develop(t, slog.New(slog.DiscardHandler))
	for accept, want := range map[string]string{
		"text/html":  "<p class=\"fix\"><b>Fix:</b> Return a list: <code>return [",
		"text/plain": "\nFix: Return a list: `return [",
	} {
		got := ask(s, "GET", "/bare", "", "Accept: "+accept).Body.String()
		if !strings.Contains(got, want) {
			t.Errorf("%s lacks %q:\n%s", accept, want, got)
		}
		got = ask(s, "GET", "/fail", "", "Accept: "+accept).Body.String()
		if strings.Contains(got, "Fix:") {
			t.Errorf("%s has a fix for a script that failed:\n%s", accept, got)
		}
	}
	page := ask(s, "GET", "/_larkspur/requests/1", "").Body.String()
	if strings.Contains(page, "LARK0101 LARK0101") ||
		!strings.Contains(page, ">LARK0101: the application returned") {
		t.Errorf("the log is\n%s", page)
	}
}

// TestReplay asks a request again, with its body, and shows the answer.
func TestReplay(t *testing.T) {
	s, _ := develop(t, slog.New(slog.DiscardHandler))
	ask(s, "POST", "/fail", "12345")
	w := ask(s, "POST", "/_larkspur/requests/1/replay", "")
	if w.Header().Get("Location") != "/_larkspur/requests/2" {
		t.Fatalf("%d %v", w.Code, w.Header())
	}
	page := ask(s, "GET", "/_larkspur/requests/2", "").Body.String()
	for _, want := range []string{"Replay of", "12345", "<td>n</td><td>5</td>"} {
		if !strings.Contains(page, want) {
			t.Errorf("the replay lacks %q", want)
		}
	}
}

// TestSave compares the test that a request is saved as; the next is another file.
func TestSave(t *testing.T) {
	s, dir := develop(t, slog.New(slog.DiscardHandler))
	ask(s, "POST", "/fail?a=%22", "n=7",
		"Content-Type: text/plain", "Content-Length: 3", "Connection: close")
	for range 2 {
		if w := ask(s, "POST", "/_larkspur/requests/1/save", ""); w.Code != http.StatusSeeOther {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
	}
	text, err := os.ReadFile(filepath.Join(dir, "post_fail_test.star"))
	if err != nil {
		t.Fatal(err)
	}
	_, got, _ := strings.Cut(string(text), "\n\n")
	want := `load("@test", "client", "eq")
load("//app.star", _app = "app")

def test_post_fail():
    c = client(_app, base = "http://localhost:8000", proto = "HTTP/1.1")
    r = c.request(
        "POST",
        "/fail?a=%22",
        headers = [
            ("Content-Type", "text/plain"),
        ],
        body = "n=7",
    )
    # It failed: ` + filepath.Join(dir, "app.star") + `:7:18: floored division by zero
    eq(r.status, 200)
`
	if got != want {
		t.Errorf("saved\n%s\nwant\n%s", got, want)
	}
	if _, err := os.Stat(filepath.Join(dir, "post_fail_2_test.star")); err != nil {
		t.Error(err)
	}
}

// TestNote verifies that verdicts show with the request that they are about.
func TestNote(t *testing.T) {
	dev.Note(httptest.NewRequest("GET", "/", nil), push.Verdict{Target: "/nobody.css"}) // does nothing
	s, _ := develop(t, slog.New(slog.DiscardHandler))
	ask(s, "GET", "/page", "")
	page := ask(s, "GET", "/_larkspur/requests/1", "").Body.String()
	if !strings.Contains(page, "/a.css") || !strings.Contains(page, "hinted (hint)") {
		t.Errorf("the verdict is not shown: %s", page)
	}
}

// BenchmarkLatency asks over a socket, in turns, a server as serve has it and one as dev has it,
// and reports how many times as long dev takes.
func BenchmarkLatency(b *testing.B) {
	quiet := slog.New(slog.NewTextHandler(io.Discard, nil))
	developed, dir := develop(b, quiet)
	app, err := runtime.Load(&runtime.Config{FS: runtime.Dir(dir), Logger: quiet}, "app.star")
	if err != nil {
		b.Fatal(err)
	}
	var urls [2]string
	for i, h := range []http.Handler{&server.Handler{App: app, Logger: quiet}, developed} {
		s := httptest.NewServer(h)
		b.Cleanup(s.Close)
		urls[i] = s.URL
	}
	var total [2]float64
	for i := 0; b.Loop(); i++ {
		for turn := range 2 {
			began := time.Now()
			res, err := http.Get(urls[(i+turn)%2])
			if err != nil {
				b.Fatal(err)
			}
			if _, err := io.Copy(io.Discard, res.Body); err != nil {
				b.Fatal(err)
			}
			res.Body.Close()
			total[(i+turn)%2] += time.Since(began).Seconds()
		}
	}
	b.ReportMetric(total[1]/total[0], "dev/serve")
}

func Example() {
	app, err := runtime.Load(&runtime.Config{FS: os.DirFS("testdata")}, "app.star")
	if err != nil {
		fmt.Println(err)
		return
	}
	d := dev.New("Larkspur")
	defer d.Close()
	developed := d.Develop(dev.Config{Tree: os.DirFS("testdata")})
	s := d.Handler(&server.Handler{
		App:       developed.Wrap(app, "", environ.Config{}),
		ErrorPage: d.ErrorPage,
		Logger:    slog.New(tee.New(slog.DiscardHandler)),
	})
	r := httptest.NewRequest("GET", "http://localhost/", nil)
	r.RemoteAddr = "127.0.0.1:40000"
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	fmt.Println(strings.SplitN(w.Body.String(), "\n", 4)[2])
	// Output: app.star:2:19: key "USER" not in environ
}
