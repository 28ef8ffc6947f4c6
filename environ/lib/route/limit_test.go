package route_test

import (
	"bytes"
	"context"
	"log/slog"
	"net/http/httptest"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/larkspur-web/larkspur/environ/lib/middleware"
	"github.com/larkspur-web/larkspur/environ/lib/response"
	"github.com/larkspur-web/larkspur/environ/lib/route"
	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/server"
	"go.starlark.net/starlark"
)

// TestLimitsAreNotCaught runs a handler over its limit: that ends the request, and error is not asked.
func TestLimitsAreNotCaught(t *testing.T) {
	var log bytes.Buffer
	logger := slog.New(slog.NewTextHandler(&log, nil))
	p, err := runtime.Load(&runtime.Config{
		FS: fstest.MapFS{"app.star": {Data: []byte(`
load("@route", "router", "get")
load("@response", "text")
def loops(environ):
    while True: pass
app = router([get("/", loops)], error = lambda environ, error: text("caught"))
`)}},
		Modules: []*host.Module{route.Module(), response.Module()},
		Limits:  runtime.Limits{Steps: 10_000},
		Logger:  logger,
	}, "app.star")
	if err != nil {
		t.Fatal(err)
	}
	got := visit(&server.Handler{App: p, Logger: logger}, "GET /")
	if want := "504 504 Gateway Timeout"; got != want {
		t.Errorf("got %s, want %s; the log is\n%s", got, want, &log)
	}
}

// TestRouterIsShared asks one router, with middleware, from many goroutines: -race looks on.
func TestRouterIsShared(t *testing.T) {
	p, err := runtime.Load(&runtime.Config{
		FS: fstest.MapFS{"app.star": {Data: []byte(`
load("@route", "router", "get", "group", "url_for")
load("@response", "text")
load("@middleware", "after", "cached", "cors", "etags", "rate_limit", "same_origin", "security_headers", "timing")
def show(environ, id):
    return text(url_for(environ, "show", id = id) + str(environ["wsgiorg.routing_args"]))
app = router([
    group("/{id:int}", [get("/show", show, name = "show")], middleware = [timing, cached(60), rate_limit(1000, 1)]),
    get("/constant", text("constant")),
], middleware = [same_origin, security_headers, etags, cors(["https://a.example"]), after(lambda environ, response: response)])
`)}},
		Modules: []*host.Module{route.Module(), response.Module(), middleware.Module()},
	}, "app.star")
	if err != nil {
		t.Fatal(err)
	}
	h := &server.Handler{App: p, Logger: slog.New(slog.DiscardHandler)}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 50 {
				for path, want := range map[string]string{
					"/7/show": `/7/show((), {"id": 7})`, "/8/show": `/8/show((), {"id": 8})`, "/constant": "constant",
				} {
					w := httptest.NewRecorder()
					h.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
					if got := w.Body.String(); got != want {
						t.Errorf("%s: got %s", path, got)
					}
				}
			}
		})
	}
	all.Wait()
}

// TestRows looks for routers in values that are none, or hold one.
func TestRows(t *testing.T) {
	p := load(t, handlers+`
def around(app):
    def inner(environ, start_response): return app(environ, start_response)
    return inner
r = router([get("/{x}", h, name = "n"), mount("/m", router([get("/y", h)])), mount("/s", m)])
values = [r, around(r), around(around(r)), lambda e, s: r, m, 1, [r], around]
def app(): return values
`)
	v, err := p.Do(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []int{3, 3, 3, -1, -1, -1, -1, -1} {
		rows, ok := route.Rows(v.(*starlark.List).Index(i))
		if ok != (want >= 0) || ok && len(rows) != want {
			t.Errorf("value %d: got %v, %t", i, rows, ok)
		}
		if i != 2 {
			continue
		}
		if got := rows[1]; got.Pattern != "/m/y" || len(got.Middleware) != 2 || got.Place.Line == 0 {
			t.Errorf("got %+v", got)
		}
		if got := rows[2]; got.Pattern != "/s/" || !got.Mount || got.Handler != "m" {
			t.Errorf("got %+v", got)
		}
	}
}
