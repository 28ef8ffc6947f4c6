package server_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/larkspur-web/larkspur/runtime"
	libhost "github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/server"
	"go.starlark.net/starlark"
)

// A ledger is an Observer that writes down what it is told, in order.
type ledger struct {
	mu    sync.Mutex
	lines []string
	last  server.Record
}

func (l *ledger) note(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, fmt.Sprintf(format, args...))
}

// observer notes what it is told under a name.
func (l *ledger) observer(name string) *server.Observer {
	type key struct{}
	return &server.Observer{
		Begin: func(rec *server.Record) context.Context {
			l.note("%s begin %s", name, rec.Request.URL.Path)
			return context.WithValue(rec.Request.Context(), key{}, "span")
		},
		Call: func(r *http.Request, c server.Call) {
			l.note("%s call %v %d failed=%t in %v", name, r.URL.Path, c.Status, c.Err != nil,
				r.Context().Value(key{}))
		},
		Work: func(r *http.Request, w libhost.Work) { l.note("%s %s %s", name, w.Kind, w.Text) },
		Fail: func(r *http.Request, f *server.Failure) {
			l.note("%s fail %s %s %s", name, f.Code, f.Place(), f.Limit())
		},
		End: func(rec *server.Record) {
			l.note("%s end %s %d %dB %s", name, rec.Mount, rec.Status, rec.Bytes, rec.Request.URL.Path)
			l.mu.Lock()
			l.last = *rec
			l.mu.Unlock()
		},
	}
}

const observed = `load("@outside", "ask")
def app(environ, start_response):
    if environ["PATH_INFO"] == "/ask":
        ask("SELECT 1")
    if environ["PATH_INFO"] == "/loop":
        [0 for _ in range(9999) for _ in range(9)]
    if environ["PATH_INFO"] == "/fail":
        fail("no")
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"body"]
`

// TestObserver verifies that an Observer is told of each request, call, failure and piece of work, in
// order, and that of two Fronts the outer one's hears all.
func TestObserver(t *testing.T) {
	outside := &libhost.Module{Name: "outside", Doc: "Asks others.", Members: []libhost.Member{{
		Name: "ask", Doc: "Asks once.", Params: []libhost.Param{{Name: "what", Doc: "What to ask."}},
		Fn: func(t *starlark.Thread, what string) { libhost.Observe(t, libhost.Work{Kind: "sql", Text: what}) },
	}}}
	quiet := slog.New(slog.DiscardHandler)
	app, err := runtime.Load(&runtime.Config{FS: fstest.MapFS{"app.star": {Data: []byte(observed)}},
		Limits: runtime.Limits{Steps: 10_000}, Modules: []*libhost.Module{outside}, Logger: quiet}, "app.star")
	if err != nil {
		t.Fatal(err)
	}
	var l ledger
	inner := &server.Front{Mounts: []server.Mount{{Path: "/in", Handler: &server.Gateway{App: app, Logger: quiet}}},
		Observer: l.observer("inner"), Logger: quiet}
	front := &server.Front{Observer: l.observer("outer"), Logger: quiet, Mounts: []server.Mount{
		{Handler: &server.Gateway{App: app, Logger: quiet}}, {Path: "/in", Handler: inner}}}
	for _, c := range []struct{ path, want string }{
		{"/", "outer begin /; outer call / 200 failed=false in span; outer end / 200 4B /"},
		{"/ask", "outer begin /ask; outer sql SELECT 1; outer call /ask 200 failed=false in span; " +
			"outer end / 200 4B /ask"},
		{"/fail", "outer begin /fail; outer fail LARK0501 app.star:8:13 ; " +
			"outer call /fail 500 failed=true in span; outer end / 500 26B /fail"},
		{"/loop", "outer begin /loop; outer fail LARK0502 app.star:6:33 steps; " +
			"outer call /loop 504 failed=true in span; outer end / 504 20B /loop"},
		{"/in/", "outer begin /in/; outer call /in/ 200 failed=false in span; outer end /in 200 4B /in/"},
	} {
		l.lines = nil
		front.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", c.path, nil))
		if got := strings.Join(l.lines, "; "); got != c.want {
			t.Errorf("%s:\ngot  %s\nwant %s", c.path, got, c.want)
		}
		if l.last.Steps == 0 || l.last.ID == "" || l.last.Took <= 0 || l.last.FirstByte <= 0 || l.last.Ran <= 0 {
			t.Errorf("%s: %+v lacks something", c.path, l.last)
		}
		if (l.last.Failure != nil) != (l.last.Status >= 500) {
			t.Errorf("%s: failure %v of status %d", c.path, l.last.Failure, l.last.Status)
		}
	}
}
