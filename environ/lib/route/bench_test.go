package route_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	libhttp "github.com/larkspur-web/larkspur/environ/lib/http"
	"github.com/larkspur-web/larkspur/environ/lib/middleware"
	"github.com/larkspur-web/larkspur/environ/lib/response"
	"github.com/larkspur-web/larkspur/environ/lib/route"
	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/server"
	"go.starlark.net/starlark"
)

// load loads a script that has @route and @response.
func load(tb testing.TB, script string) *runtime.Program {
	tb.Helper()
	p, err := loadScript(script)
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

func loadScript(script string) (*runtime.Program, error) { return loadEntry(script, "app.star", nil) }

func loadEntry(script, entry string, log *slog.Logger) (*runtime.Program, error) {
	return runtime.Load(&runtime.Config{
		FS:      fstest.MapFS{"app.star": {Data: []byte(script)}},
		Modules: []*host.Module{route.Module(), response.Module(), libhttp.Module(), middleware.Module()},
		Logger:  log,
	}, entry)
}

// routerOf returns the application of a program, which is a router.
func routerOf(tb testing.TB, script string) *route.Router {
	tb.Helper()
	var r *route.Router
	err := load(tb, script).Call(tb.Context(), func(
		_ context.Context, _ *starlark.Thread, app starlark.Callable,
	) error {
		r = app.(*route.Router)
		return nil
	})
	if err != nil {
		tb.Fatal(err)
	}
	return r
}

// thousand is a script whose router has 1,000 routes.
func thousand() string {
	var b strings.Builder
	b.WriteString(`load("@route", "router", "get", "post")
def one(environ, id): pass
def two(environ, id, name): pass
app = router([
`)
	for i := range 250 {
		fmt.Fprintf(&b, "get(\"/section%d/items\", lambda environ: None),\n", i)
		fmt.Fprintf(&b, "get(\"/section%d/items/{id:int}\", one),\n", i)
		fmt.Fprintf(&b, "post(\"/section%d/items/{id:int}\", one),\n", i)
		fmt.Fprintf(&b, "get(\"/section%d/items/{id}/files/{name}\", two),\n", i)
	}
	b.WriteString("])\n")
	return b.String()
}

// BenchmarkMatch is a match among 1,000 routes.
func BenchmarkMatch(b *testing.B) {
	r := routerOf(b, thousand())
	for _, path := range []string{
		"/section7/items", "/section123/items/42", "/section249/items/abc/files/readme.txt",
	} {
		b.Run(strings.ReplaceAll(path[1:], "/", "-"), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if !route.Match(r, "GET", path) {
					b.Fatal("no match")
				}
			}
		})
	}
}

// TestMatchAllocates holds that a match among 1,000 routes allocates no more than room for its values,
// which a request has in its match.
func TestMatchAllocates(t *testing.T) {
	r := routerOf(t, thousand())
	got := testing.AllocsPerRun(100, func() {
		route.Match(r, "GET", "/section249/items/abc/files/readme.txt")
	})
	if got > 1 {
		t.Errorf("a match allocates %v times", got)
	}
}

// A sink is a ResponseWriter that costs nothing.
type sink struct{ header http.Header }

func (s *sink) Header() http.Header               { return s.header }
func (s *sink) WriteHeader(int)                   {}
func (s *sink) Write(p []byte) (int, error)       { return len(p), nil }
func (s *sink) WriteString(p string) (int, error) { return len(p), nil }

// BenchmarkHello is a whole call of a bare application, and of handlers behind a router that answer by
// text. They take turns, so that what else the machine does falls on all: router/bare is the time of
// the second as a part of that of the first.
func BenchmarkHello(b *testing.B) {
	scripts := []struct{ name, script string }{
		{"bare", `
def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "14")])
    return [b"Hello, world!\n"]`},
		{"router", `
load("@route", "router", "get")
load("@response", "text")
def hello(environ):
    return text("Hello, world!\n")
app = router([get("/hello", hello)])`},
		{"parameter", `
load("@route", "router", "get")
load("@response", "text")
def hello(environ, name):
    return text("Hello, world!\n")
app = router([get("/{name}", hello)])`},
	}
	w, r := &sink{make(http.Header)}, httptest.NewRequest("GET", "/hello?x=1", nil)
	var apps []http.Handler
	for _, c := range scripts {
		apps = append(apps, &server.Handler{App: load(b, c.script)})
	}
	took := make([]time.Duration, len(apps))
	for b.Loop() {
		for i, h := range apps {
			began := time.Now()
			for range 200 {
				clear(w.header)
				h.ServeHTTP(w, r)
			}
			if d := time.Since(began); took[i] == 0 || d < took[i] {
				took[i] = d // the least of all turns: what is more is the machine's
			}
		}
	}
	for i, c := range scripts {
		b.ReportMetric(float64(took[i])/200, c.name+"-ns/op")
		b.ReportMetric(float64(took[i])/float64(took[0]), c.name+"/bare")
	}
	b.ReportMetric(0, "ns/op")
}
