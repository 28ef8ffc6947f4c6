package server_test

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	goruntime "runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/larkspur-web/larkspur/push"
	"github.com/larkspur-web/larkspur/push/pushtest"
	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/server"
	"golang.org/x/net/http2"
)

// styled is an application of a page and its style sheet.
const styled = `
STYLE = "body { color: teal }"
def app(environ, start_response):
    if environ["PATH_INFO"] == "/a.css":
        start_response("200 OK", [("Content-Type", "text/css")])
        return [STYLE]
    start_response("200 OK", [("Content-Type", "text/html"), ("Link", "</a.css>; rel=preload; as=style")])
    return ["page"]
`

// TestPushDiary has what is not sent twice, and when it is sent again.
func TestPushDiary(t *testing.T) {
	both(t, func(t *testing.T, secure bool) {
		s := servePushes(t, secure, styled, nil)
		c := s.dial(t, pushtest.Settings{})
		ask(t, c, "/a.css")
		if x := ask(t, c, "/"); len(x.Promises) != 0 {
			t.Errorf("asked for before: promised %q", promised(x))
		}
		c = s.dial(t, pushtest.Settings{})
		for i, want := range []int{1, 0, 0} {
			if x := ask(t, c, "/"); len(x.Promises) != want {
				t.Errorf("page %d: promised %q", i, promised(x))
			}
		}
		s.files["app.star"] = &fstest.MapFile{Data: []byte(strings.Replace(styled, "teal", "red", 1)), ModTime: time.Now()}
		if err := s.live.Reload(); err != nil {
			t.Fatal(err)
		}
		if x := ask(t, c, "/"); len(x.Promises) != 1 || !strings.Contains(string(x.Promises[0].Body), "red") {
			t.Errorf("a new generation: promised %q", promised(x))
		}
		if x := ask(t, c, "/"); len(x.Promises) != 0 {
			t.Errorf("a new generation, again: promised %q", promised(x))
		}
	})
}

// TestPushFresh verifies that a resource that is fresh by its Cache-Control is not run until a new generation serves.
func TestPushFresh(t *testing.T) {
	source := strings.Replace(styled, `("Content-Type", "text/css")`, `("Content-Type", "text/css"), ("Cache-Control", "max-age=3600")`, 1)
	s := servePushes(t, false, source, nil)
	c := s.dial(t, pushtest.Settings{})
	ask(t, c, "/")
	s.decided()
	ask(t, c, "/")
	if got := s.decided(); len(got) != 1 || !strings.HasSuffix(got[0], "it was sent, and is fresh") {
		t.Errorf("verdicts %q", got)
	}
	s.files["app.star"] = &fstest.MapFile{Data: []byte(source + "\n"), ModTime: time.Now()}
	if err := s.live.Reload(); err != nil {
		t.Fatal(err)
	}
	ask(t, c, "/")
	if got := s.decided(); len(got) != 1 || !strings.HasSuffix(got[0], "it was sent, and has not changed") {
		t.Errorf("verdicts in a new generation that is the same: %q", got)
	}
}

// TestPushRefused verifies that nothing breaks when a client resets what is promised, whenever it does, and that it is promised again.
func TestPushRefused(t *testing.T) {
	both(t, func(t *testing.T, secure bool) {
		s := servePushes(t, secure, styled, nil)
		for _, code := range []http2.ErrCode{http2.ErrCodeCancel, http2.ErrCodeRefusedStream} {
			refuse := true
			c := s.dial(t, pushtest.Settings{OnPromise: func(*pushtest.Exchange) http2.ErrCode {
				if refuse {
					return code
				}
				return http2.ErrCodeNo
			}})
			for i := range 3 {
				if x := c.Get("/"); x.Wait() != nil || x.Status != 200 {
					t.Fatalf("%v: status %d, %v", code, x.Status, x.Wait())
				}
				// The reset has been read once the answer to what comes after it has.
				if err := c.Ping(); err != nil {
					t.Fatal(err)
				}
				if got := len(c.Promises()); got != i+1 {
					t.Errorf("%v: %d promises after %d pages", code, got, i+1)
				}
			}
			refuse = false
			ask(t, c, "/")
			ask(t, c, "/")
			if got := len(c.Promises()); got != 4 {
				t.Errorf("%v: %d promises once it takes them", code, got)
			}
		}
	})
}

// TestPushUnverified has what is never promised, each with its reason.
func TestPushUnverified(t *testing.T) {
	s := servePushes(t, true, `
load("@time", "time")
def blocks(stream):
    while True:
        stream.write("x" * 65536)

KINDS = {
    "/404": ("404 Not Found", []), "/302": ("302 Found", [("Location", "/login")]), "/cookie": ("200 OK", [("Set-Cookie", "a=b")]),
    "/no-store": ("200 OK", [("Cache-Control", "no-store")]), "/vary": ("200 OK", [("Vary", "Cookie")]), "/500": ("200 OK", []),
}

def app(environ, start_response):
    path = environ["PATH_INFO"]
    if path == "/":
        start_response("200 OK", [("Link", ", ".join(["<%s>; rel=preload" % p for p in ["/404", "/302", "/cookie", "/no-store", "/vary", "/500", "/slow", "/loop", "/endless", "//other/a", "data:text/css,a", "/../../a%00", "/good"]]))])
        return ["page"]
    if path == "/slow":
        time.sleep(5)
    if path == "/loop":
        while True:
            pass
    if path == "/endless":
        start_response("200 OK", [])
        return blocks
    if path == "/500":
        fail("oh")
    start_response(*KINDS.get(path, ("200 OK", [])))
    return ["body"]
`, func(h *server.Handler) { h.Push.VerifyTimeout, h.Push.MaxResourceBytes = 500*time.Millisecond, 1<<16 })
	x := ask(t, s.dial(t, pushtest.Settings{}), "/")
	if got := promised(x); !slices.Equal(got, []string{"/good"}) {
		t.Errorf("promised %q", got)
	}
	want := []string{
		"/404: skipped: unverified (link): its status is 404",
		"/302: skipped: unverified (link): its status is 302",
		"/cookie: skipped: unverified (link): it sets a cookie",
		"/no-store: skipped: unverified (link): its Cache-Control is no-store",
		"/vary: skipped: unverified (link): it varies on Cookie, which the promised request has not got from the page",
		"/500: skipped: unverified (link): its status is 500",
		"/slow: skipped: unverified (link): no answer within 500ms",
		"/loop: skipped: unverified (link): no answer within 500ms",
		"/endless: skipped: budget (link): more than 65536 bytes",
		"//other/a: skipped: foreign (link)",
		"data:text/css,a: skipped: foreign (link)",
		"/../../a%00: skipped: invalid (link)",
		"/good: promised (link)",
	}
	if got := s.decided(); !slices.Equal(got, want) {
		t.Errorf("verdicts\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestPushSlots verifies that a promised request runs in the slot of its page, so that a site of one call at a time pushes.
func TestPushSlots(t *testing.T) {
	s := servePushes(t, false, styled, func(h *server.Handler) { h.Slots.Calls, h.Slots.Queue, h.Slots.Wait = 1, 100, time.Minute })
	var wg sync.WaitGroup
	for range 20 {
		c := s.dial(t, pushtest.Settings{})
		wg.Go(func() {
			if x := c.Get("/"); x.WaitAll() != nil || x.Status != 200 || fmt.Sprint(promised(x)) != "[/a.css]" {
				t.Errorf("status %d, promised %q, %v", x.Status, promised(x), x.WaitAll())
			}
		})
	}
	wg.Wait()
	for _, v := range s.decided() {
		if v != "/a.css: promised (link)" {
			t.Errorf("verdict %q", v)
		}
	}
}

// TestPushCrowd has a thousand links on one response, and a hundred clients.
func TestPushCrowd(t *testing.T) {
	s := servePushes(t, false, `
LINK = ", ".join(["</%d>; rel=preload" % i for i in range(1000)])
def app(environ, start_response):
    start_response("200 OK", [("Link", LINK)] if environ["PATH_INFO"] == "/page" else [])
    return ["x" * 100]
`, nil)
	before := goruntime.NumGoroutine()
	var wg sync.WaitGroup
	for range 100 {
		wg.Go(func() {
			c := s.dial(t, pushtest.Settings{})
			defer c.Close()
			for range 3 {
				if x := c.Get("/page"); x.WaitAll() != nil || x.Status != 200 || len(x.Promises) > 10 {
					t.Errorf("status %d, %d promises, %v", x.Status, len(x.Promises), x.WaitAll())
				}
			}
		})
	}
	wg.Wait()
	for i := 0; goruntime.NumGoroutine() > before+30; i++ {
		if i == 500 {
			t.Fatalf("%d goroutines, %d before", goruntime.NumGoroutine(), before)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// TestPushPageFirst verifies that a large page is complete before what is pushed with it, unless that is critical.
func TestPushPageFirst(t *testing.T) {
	const source = `
BIG = "x" * 600000
def app(environ, start_response):
    if environ["PATH_INFO"] == "/page":
        critical = "; critical" if environ["QUERY_STRING"] == "critical" else ""
        start_response("200 OK", [("Link", "</a>; rel=preload%s, </b>; rel=preload" % critical)])
    else:
        start_response("200 OK", [])
    return [BIG]
`
	runs := 4 // on each of four kinds of connection and page
	if testing.Short() {
		runs = 2
	}
	both(t, func(t *testing.T, secure bool) {
		s := servePushes(t, secure, source, nil)
		for _, query := range []string{"", "?critical"} {
			first := 0
			for range runs {
				c := s.dial(t, pushtest.Settings{InitialWindowSize: 400_000, ConnectionWindow: 400_000})
				x := ask(t, c, "/page"+query)
				if len(x.Promises) != 2 || x.Size != 600_000 || x.Promises[0].Size != 600_000 {
					t.Fatalf("%d bytes, promised %q", x.Size, promised(x))
				}
				a, b := x.Promises[0].Ended, x.Promises[1].Ended
				if query == "" && x.Ended < a && x.Ended < b || query != "" && a < x.Ended && x.Ended < b {
					first++
				}
				c.Close()
			}
			if first != runs {
				t.Errorf("page%s: the order is right in %d of %d runs", query, first, runs)
			}
		}
	})
}

// TestPushMap verifies that the map of resources acts before the application runs.
func TestPushMap(t *testing.T) {
	m, err := push.ParseMap("site.push", strings.NewReader("/\n  /a.css as=style critical\n  https://cdn.example rel=preconnect\n"))
	if err != nil {
		t.Fatal(err)
	}
	both(t, func(t *testing.T, secure bool) {
		s := servePushes(t, secure, styled, func(h *server.Handler) { h.Push.Map = m })
		x := ask(t, s.dial(t, pushtest.Settings{}), "/")
		if got := promised(x); !slices.Equal(got, []string{"/a.css"}) {
			t.Errorf("promised %q", got)
		}
		x = ask(t, s.dial(t, pushtest.Settings{NoPush: true}), "/")
		if len(x.Promises) != 0 || len(x.Hints) != 1 || x.Hints[0].Status != 103 || fmt.Sprint(x.Hints[0].Header["Link"]) != "[</a.css>; rel=preload; as=style; critical <https://cdn.example>; rel=preconnect]" {
			t.Errorf("promised %q, hints %v", promised(x), x.Hints)
		}
	})
}

// TestPushMount verifies that what is outside of the mount is never promised, and that the environ of what is inside is right.
func TestPushMount(t *testing.T) {
	s := servePushes(t, false, `
def app(environ, start_response):
    start_response("200 OK", [("Link", "<a>; rel=preload, </other/b>; rel=preload, </app/%2e%2e/c>; rel=preload, </app/%2e%2e%2fd>; rel=preload, </application/e>; rel=preload")])
    return [environ["SCRIPT_NAME"], " ", environ["PATH_INFO"]]
`, func(h *server.Handler) { h.Mount = "/app" })
	x := ask(t, s.dial(t, pushtest.Settings{}), "/app/page")
	if got := promised(x); !slices.Equal(got, []string{"/app/a"}) || string(x.Promises[0].Body) != "/app /a" {
		t.Errorf("promised %q", got)
	}
}

// TestPushXNet verifies that on another engine everything works but promises.
func TestPushXNet(t *testing.T) {
	p, err := runtime.Load(&runtime.Config{FS: fstest.MapFS{"app.star": {Data: []byte(styled)}}}, "app.star")
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(&server.Handler{App: p, Logger: slog.New(slog.DiscardHandler)})
	if err := server.ConfigureXNet(s.Config); err != nil {
		t.Fatal(err)
	}
	s.Start()
	defer s.Close()
	site := &pushSite{Server: s}
	if x := ask(t, site.dial(t, pushtest.Settings{}), "/"); len(x.Promises) != 0 || x.Header.Get("Link") == "" || string(x.Body) != "page" {
		t.Errorf("promised %q, %v", promised(x), x.Header)
	}
}

// TestPushGo verifies that the engine and package push need no Starlark between them.
func TestPushGo(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/" {
			push.From(w).Push(push.Resource{Target: "/early.css"})
			w.Header().Set("Link", "</late.css>; rel=preload, </private>; rel=preload; x-http2-push-only")
		}
		io.WriteString(w, r.URL.Path)
	})
	s := httptest.NewUnstartedServer(&push.Handler{Next: mux})
	if err := server.Configure(s.Config); err != nil {
		t.Fatal(err)
	}
	s.Start()
	defer s.Close()
	x := ask(t, (&pushSite{Server: s}).dial(t, pushtest.Settings{}), "/")
	if got := promised(x); fmt.Sprint(got) != "[/early.css /late.css /private]" || x.Header.Get("Link") != "</late.css>; rel=preload" {
		t.Errorf("promised %q, Link %q", got, x.Header.Get("Link"))
	}
}
