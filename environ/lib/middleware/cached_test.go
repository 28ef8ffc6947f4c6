package middleware_test

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"github.com/larkspur-web/larkspur/environ/lib/middleware"
	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/server"
)

// counting is an application that answers with how often it was called.
const counting = `
def headers(environ):
    q = environ["QUERY_STRING"]
    return [tuple(h.split("=", 1)) for h in q.split("&") if "=" in h and h[0].isupper()]
def app(environ, start_response):
    n = str(count())
    start_response("404 No" if environ["PATH_INFO"] == "/404" else "500 No" if environ["PATH_INFO"] == "/500" else "200 OK", headers(environ))
    if environ["PATH_INFO"] == "/function":
        return lambda stream: stream.write(n)
    if environ["PATH_INFO"] == "/large":
        return [n + "x" * (1 << 20)]
    return [n]
`

// A counter is a host function that counts, and may be waited for.
type counter struct {
	mu   sync.Mutex
	n    int
	wait chan struct{} // nil waits for nothing
}

func (c *counter) module() *host.Module {
	return &host.Module{Name: "count", Doc: "Counts.", Members: []host.Member{{
		Name: "count", Doc: "Counts.", Result: "an int", Example: "count()",
		Fn: func(call host.Call) (int, error) {
			c.mu.Lock()
			c.n++
			n := c.n
			c.mu.Unlock()
			if c.wait != nil {
				err := call.Wait(func(ctx context.Context) error {
					<-c.wait
					return nil
				})
				return n, err
			}
			return n, nil
		},
	}}}
}

// cachedApp serves the counting application for a minute from memory.
func cachedApp(t *testing.T, c *counter) http.Handler {
	t.Helper()
	p, err := runtime.Load(&runtime.Config{
		FS: fstest.MapFS{"app.star": {Data: []byte(`load("@count", "count")
load("@middleware", "cached")
` + counting + "kept = cached(60)(app)")}},
		Modules: []*host.Module{middleware.Module(), c.module()},
	}, "app.star:kept")
	if err != nil {
		t.Fatal(err)
	}
	return &server.Handler{App: p, Logger: slog.New(slog.DiscardHandler)}
}

func TestCached(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := cachedApp(t, new(counter))
		for _, tt := range []struct {
			after         time.Duration
			request, want string
		}{
			{0, "GET /", "200 1"},
			{time.Second, "GET /", "200 Age: 1 1"},
			{0, "HEAD /", "200 Age: 1 "},
			{0, "POST /", "200 2"},
			{0, "GET /?x", "200 3"},
			{0, "GET /\nCookie: a=b", "200 4"},
			{0, "GET /\nAuthorization: Basic x", "200 5"},
			{0, "GET /\nRange: bytes=0-1", "200 6"},
			{0, "GET /\nCache-Control: no-cache", "200 7"},
			{0, "GET /\nPragma: no-cache", "200 8"},
			{59 * time.Second, "GET /", "200 9"}, // it has lasted its minute
			{0, "GET /404", "404 10"},
			{0, "GET /404", "404 Age: 0 10"},
			{0, "GET /500", "500 11"},
			{0, "GET /500", "500 12"},
			{0, "GET /?Set-Cookie=a", "200 13"},
			{0, "GET /?Set-Cookie=a", "200 14"},
			{0, "GET /?Cache-Control=private", "200 15"},
			{0, "GET /?Cache-Control=private", "200 16"},
			{0, "GET /?Cache-Control=max-age=5", "200 17"},
			{4 * time.Second, "GET /?Cache-Control=max-age=5", "200 Age: 4 17"},
			{2 * time.Second, "GET /?Cache-Control=max-age=5", "200 18"},
			{0, "GET /?Vary=*", "200 19"},
			{0, "GET /?Vary=*", "200 20"},
			{0, "GET /?Vary=Accept-Language\nAccept-Language: de", "200 Vary: Accept-Language 21"},
			{0, "GET /?Vary=Accept-Language\nAccept-Language: en", "200 Vary: Accept-Language 22"},
			{0, "GET /?Vary=Accept-Language\nAccept-Language: de", "200 Age: 0 Vary: Accept-Language 21"},
			{0, "GET /?Vary=Accept-Language", "200 Vary: Accept-Language 23"},
			{0, "GET /function", "200 24"},
			{0, "GET /function", "200 25"},
			{0, "GET /404\n", "404 Age: 6 10"},
			{0, "GET /404\nX-Form: a\n\na=<script>", "404 26"},
			{0, "GET /404\nContent-Length: 0\n\n", "404 Age: 6 10"},
		} {
			time.Sleep(tt.after)
			fields := []string{"Age"}
			if strings.Contains(tt.request, "Vary=A") {
				fields = append(fields, "Vary")
			}
			if got := visit(h, tt.request, fields...); got != tt.want {
				t.Errorf("%q: got %q, want %q", tt.request, got, tt.want)
			}
		}
		first := visit(h, "GET /large")
		if again := visit(h, "GET /large"); first[:6] == again[:6] {
			t.Error("a body of more than 1 MiB was kept")
		}
	})
}

// TestCachedMakesOnce asks for what is being made: the one that makes it is waited for.
func TestCachedMakesOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &counter{wait: make(chan struct{})}
		h := cachedApp(t, c)
		answers := make(chan string, 5)
		for range 5 {
			go func() {
				w := httptest.NewRecorder()
				h.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
				answers <- w.Body.String()
			}()
		}
		synctest.Wait()
		close(c.wait)
		for range 5 {
			if got := <-answers; got != "1" {
				t.Errorf("got %q, want what was made once", got)
			}
		}
	})
}

// TestCachedIsBounded fills the cache with more than it keeps.
func TestCachedIsBounded(t *testing.T) {
	var log bytes.Buffer
	h, err := load(`
def page(environ, start_response):
    start_response("200 OK", [])
    return [environ["QUERY_STRING"] + "x" * 1000000]
`, "cached(3600)(page)", slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		query, age string
	}{{"0", ""}, {"0", "0"}} {
		if got := visit(h, "GET /?"+tt.query, "Age"); strings.Contains(got, "Age: ") != (tt.age != "") {
			t.Errorf("%s: got %.20s", tt.query, got)
		}
	}
	for i := range 40 {
		visit(h, "GET /?"+strings.Repeat("y", i+1))
	}
	if got := visit(h, "GET /?0", "Age"); strings.Contains(got, "Age: ") {
		t.Errorf("what was used longest ago is still there: %.20s", got)
	}
	if got := visit(h, "GET /?"+strings.Repeat("y", 40), "Age"); !strings.Contains(got, "Age: ") {
		t.Errorf("what was used last is not there: %.20s", got)
	}
}
