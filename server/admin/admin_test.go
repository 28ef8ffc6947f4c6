package admin_test

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/larkspur-web/larkspur/environ"
	"github.com/larkspur-web/larkspur/push"
	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/server"
	"github.com/larkspur-web/larkspur/server/admin"
	"github.com/larkspur-web/larkspur/server/site"
	"github.com/larkspur-web/larkspur/server/worker"
)

// ask asks a for a path, over the loopback interface, for host.
func ask(a *admin.Admin, host, path string) *httptest.ResponseRecorder {
	r, w := httptest.NewRequest("GET", "http://"+host+path, nil), httptest.NewRecorder()
	local := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 9000}
	a.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, local)))
	return w
}

// A pool is a handler that has workers.
type pool struct {
	http.Handler
	workers []worker.WorkerStats
}

func (p pool) Stats() worker.Stats { return worker.Stats{Generation: 3, Workers: p.workers} }

// TestReady verifies that a server is ready while it takes requests, and no sooner or later, and that
// it lives all the time.
func TestReady(t *testing.T) {
	var s site.Stats
	a := &admin.Admin{Stats: func() site.Stats { return s }}
	served := site.Stats{Since: time.Now(), Mounts: []site.MountStats{{Mount: "/", App: "app.star", Generation: 1}}}
	unloaded, dead, ending := served, served, served
	unloaded.Mounts = []site.MountStats{{Mount: "/", App: "app.star"}}
	dead.Mounts = []site.MountStats{{Mount: "/", Handler: pool{}}}
	ending.Ending = true
	for _, c := range []struct {
		stats  site.Stats
		status int
		says   string
	}{
		{site.Stats{}, 503, "nothing is served yet\n"}, {served, 200, "ok\n"},
		{unloaded, 503, "/: the application has not loaded\n"}, {dead, 503, "/: no worker is there\n"},
		{ending, 503, "it drains\n"},
	} {
		s = c.stats
		if w := ask(a, "localhost", "/readyz"); w.Code != c.status || w.Body.String() != c.says {
			t.Errorf("got %d %q, want %d %q", w.Code, w.Body, c.status, c.says)
		}
	}
	s = served
	a.Drain()
	if w := ask(a, "localhost", "/readyz"); w.Code != 503 {
		t.Errorf("while it drains: %d", w.Code)
	}
	if w := ask(a, "localhost", "/healthz"); w.Code != 200 {
		t.Errorf("healthz: %d", w.Code)
	}
}

// TestNames verifies that a name which a stranger has made point here is refused, over the loopback
// interface, and that nothing answers to another method.
func TestNames(t *testing.T) {
	a := new(admin.Admin)
	for host, want := range map[string]int{"localhost:9000": 200, "127.0.0.1:9000": 200, "[::1]:9000": 200,
		"evil.example": 421, "localhost.evil.example:9000": 421} {
		if w := ask(a, host, "/"); w.Code != want {
			t.Errorf("%s: %d, want %d", host, w.Code, want)
		}
	}
	w := httptest.NewRecorder()
	if a.ServeHTTP(w, httptest.NewRequest("POST", "/", nil)); w.Code != 405 {
		t.Errorf("POST: %d", w.Code)
	}
}

// TestPage verifies that the page says what happened to requests, escaped.
func TestPage(t *testing.T) {
	a := &admin.Admin{Software: "Larkspur 1.2", Stats: func() site.Stats {
		return site.Stats{Since: time.Now(), Mounts: []site.MountStats{
			{Mount: "/", App: "blog.star", Generation: 4, Loaded: time.Now(), Failures: 2, Err: errors.New("blog.star:7: <no>")},
			{Mount: "/shop", Handler: pool{workers: []worker.WorkerStats{{PID: 4711, Served: 99}}}},
		}}
	}}
	o := a.Observer()
	begin := func(path string) *server.Record {
		r := httptest.NewRequest("GET", "/", nil)
		r.URL.Path = path
		rec := &server.Record{Request: r, ID: "id" + path, Began: time.Now().Add(-3 * time.Second)}
		o.Begin(rec)
		return rec
	}
	begin("/live<b>")
	slow := begin("/slow")
	slow.Took, slow.Status, slow.Steps, slow.Queued = 1500*time.Millisecond, 200, 12345, 20*time.Millisecond
	slow.Verdicts = []push.Verdict{{Target: "/known.css", Status: push.Skipped, Reason: push.Diary}}
	o.End(slow)
	fast := begin("/fast")
	fast.Took, fast.Status = time.Millisecond, 200
	o.End(fast)
	for range 3 {
		o.Fail(fast.Request, &server.Failure{Status: 500, Code: "LARK0501", Err: placed{"no <i>", "blog.star:3:5"}, RequestID: "r9"})
	}
	o.Fail(nil, &server.Failure{Status: 503, Code: "LARK0503", Err: errors.New("too many")})
	o.Settled(nil, push.Verdict{Target: "/app.css", Bytes: 2048}, 0, errors.New("reset"))
	o.Settled(nil, push.Verdict{Target: "/fine.css", Bytes: 2048}, 0, nil)
	w := ask(a, "localhost", "/")
	page := w.Body.String()
	for _, want := range []string{"/live&lt;b&gt;", "id/live", "1.5 s", "12345", "blog.star:3:5", `>3</td>`,
		"no &lt;i&gt;", "too many", "/app.css", "2048 B", "/known.css", "4711", "blog.star:7: &lt;no&gt;", "Larkspur 1.2"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	for _, no := range []string{"id/fast", "/fine.css", "<script"} {
		if strings.Contains(page, no) {
			t.Errorf("the page has %q", no)
		}
	}
	if t.Failed() {
		t.Log(page)
	}
	if got := w.Header().Get("Content-Security-Policy"); !strings.Contains(got, "default-src 'none'") {
		t.Errorf("policy %q", got)
	}
}

type placed struct{ text, place string }

func (e placed) Error() string { return e.text }
func (e placed) Place() string { return e.place }

// TestBoardIsBounded verifies that what is known stays little, whatever happens.
func TestBoardIsBounded(t *testing.T) {
	a := new(admin.Admin)
	o := a.Observer()
	for i := range 500 {
		name := strings.Repeat("x", 2000) + strings.Repeat("y", i)
		r := httptest.NewRequest("GET", "/"+name, nil)
		r.Method = strings.Repeat("M", 50_000)
		rec := &server.Record{Request: r, Began: time.Now(), Took: time.Duration(i) * time.Second}
		o.Begin(rec)
		o.End(rec)
		o.Fail(r, &server.Failure{Err: placed{name, name[i:]}, Code: environ.Code(name), RequestID: name})
		o.Settled(r, push.Verdict{Target: name[i:]}, 0, errors.New("reset"))
	}
	if n := ask(a, "localhost", "/").Body.Len(); n > 1<<20 {
		t.Errorf("the page has %d bytes", n)
	}
}

// A late client has a deadline for what is written to it.
type late struct {
	*httptest.ResponseRecorder
	at time.Time
}

func (l *late) SetWriteDeadline(at time.Time) error { l.at = at; return nil }

// TestReaderThatWaits verifies that a client which does not read has an end, and with it the profile that
// it has begun.
func TestReaderThatWaits(t *testing.T) {
	w := &late{ResponseRecorder: httptest.NewRecorder()}
	new(admin.Admin).ServeHTTP(w, httptest.NewRequest("GET", "http://localhost/debug/pprof/trace?seconds=0", nil))
	if in := time.Until(w.at); in < time.Minute || in > 5*time.Minute {
		t.Errorf("what is written may take %v", in)
	}
}

const lingers = `def slow(n):
    found = 0
    for i in range(n):
        found += len([c for c in "abcdefghijklmnop".elems()])
    return found

def app(environ, start_response):
    slow(400)
    start_response("200 OK", [])
    return [b"x"]
`

// TestProfile verifies that go tool pprof reads the profile of scripts, and names the line that takes
// the time.
func TestProfile(t *testing.T) {
	app, err := runtime.Load(&runtime.Config{FS: fstest.MapFS{"shop.star": {Data: []byte(lingers)}},
		Logger: slog.New(slog.DiscardHandler)}, "shop.star")
	if err != nil {
		t.Fatal(err)
	}
	h := &server.Handler{App: app, Logger: slog.New(slog.DiscardHandler)}
	a := new(admin.Admin)
	done := make(chan *httptest.ResponseRecorder)
	go func() { done <- ask(a, "localhost", "/debug/starlark?seconds=0.3") }()
	var w *httptest.ResponseRecorder
	for w == nil {
		select {
		case w = <-done:
		default:
			h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
		}
	}
	if w.Code != 200 {
		t.Fatalf("got %d: %s", w.Code, w.Body)
	}
	name := filepath.Join(t.TempDir(), "starlark.pb.gz")
	if err := os.WriteFile(name, w.Body.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("go", "tool", "pprof", "-top", "-lines", name).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	line := regexp.MustCompile(`(?m)^ *\S+ +([\d.]+)%.* slow shop.star:4$`)
	if m := line.FindSubmatch(out); m == nil {
		t.Errorf("the slow line is not named:\n%s", out)
	}
	for path, want := range map[string]int{"/debug/starlark?seconds=x": 400, "/debug/starlark?seconds=61": 400,
		"/debug/starlark?seconds=0": 400, "/debug/pprof/": 200, "/debug/pprof/goroutine?debug=1": 200,
		"/debug/pprof/no": 404, "/debug/pprof/heap": 200, "/metrics": 404} {
		if w := ask(a, "localhost", path); w.Code != want {
			t.Errorf("%s: %d, want %d", path, w.Code, want)
		}
	}
}
