package http_test

import (
	"context"
	"log/slog"
	"net/http/httptest"
	"testing"
	"testing/fstest"

	libhttp "github.com/larkspur-web/larkspur/environ/lib/http"
	"github.com/larkspur-web/larkspur/push"
	"github.com/larkspur-web/larkspur/push/pushtest"
	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/server"
)

// TestPreloadPushes verifies that a client which takes pushes gets one, once.
func TestPreloadPushes(t *testing.T) {
	p, err := runtime.Load(&runtime.Config{
		FS: fstest.MapFS{"app.star": {Data: []byte(`
load("@http", "preload")
def app(environ, start_response):
    if environ["PATH_INFO"] == "/a.css":
        start_response("200 OK", [("Content-Type", "text/css"), ("Cache-Control", "max-age=60")])
        return ["a {}"]
    how = preload(environ, "/a.css", "style")
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [how]
`)}},
		Modules: []*host.Module{libhttp.Module()},
	}, "app.star")
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(&server.Handler{
		App: p, Push: &push.Policy{}, Logger: slog.New(slog.DiscardHandler),
	})
	if err := server.Configure(s.Config); err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(s.Close)
	c, err := pushtest.Dial(context.Background(), s.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	for _, want := range []struct {
		how      string
		promises int
	}{{"push", 1}, {"", 0}} {
		x := c.Do(pushtest.Request{Target: "/"})
		if err := x.WaitAll(); err != nil {
			t.Fatal(err)
		}
		if string(x.Body) != want.how || len(x.Promises) != want.promises {
			t.Errorf("got %q and %d promises, want %+v", x.Body, len(x.Promises), want)
		}
	}
}
