package server_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/larkspur-web/larkspur/runtime"
	rthost "github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/server"
	"go.starlark.net/starlark"
)

// TestAbortHandler verifies that http.ErrAbortHandler, raised by a function of the host, breaks the
// response off and leaves no record, whether the script would catch it or not.
func TestAbortHandler(t *testing.T) {
	values := starlark.StringDict{
		"abort": rthost.Func("abort", func() { panic(http.ErrAbortHandler) }),
	}
	for _, body := range []string{"abort()", "catch(abort)"} {
		var log strings.Builder
		h := &server.Handler{Logger: slog.New(slog.NewTextHandler(&log, nil))}
		h.App = program(t, fmt.Sprintf(`
def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    %s
    return ["whole"]
`, body), values)
		func() {
			defer func() {
				if v := recover(); v != http.ErrAbortHandler {
					t.Errorf("%s: the handler ended with %v, want http.ErrAbortHandler", body, v)
				}
			}()
			h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
		}()
		if log.Len() > 0 {
			t.Errorf("%s: logged %s", body, log.String())
		}
	}
}

// TestLongMessages verifies that no message makes a page, or a record of the log, that is long.
func TestLongMessages(t *testing.T) {
	for _, body := range []string{
		`fail(s)`,
		`fail([s] * 100)`,
		`start_response(s, [])`,
		`start_response(200, {s: s})`,
		`start_response("200 OK", [(s + "@", "")])`,
		`start_response("200 OK", [(s, 1)])`,
		`start_response("200 OK", [("Content-Length", s)])`,
		`start_response("200 OK", [("X", "")], s)`,
		`environ["wsgi.early_hints"]([(s, 1)])`,
		`environ[s]`,
		`environ["wsgi.input"].read(s)`,
		`environ["wsgi.errors"].write(**{s: 1})`,
	} {
		var log strings.Builder
		h := &server.Handler{Logger: slog.New(slog.NewTextHandler(&log, nil))}
		h.App = program(t, fmt.Sprintf(`
s = "<" * (1 << 20)
def app(environ, start_response):
    %s
`, body), nil)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
		if w.Code != 500 || w.Body.Len() > 32<<10 || log.Len() > 32<<10 {
			t.Errorf("%s: status %d, a page of %d bytes, %d bytes of log; want 500 and short ones",
				body, w.Code, w.Body.Len(), log.Len())
		}
	}
}

// TestStuck verifies that a call in a step that does not end gives its slot to others, and does not
// keep the server from ending.
func TestStuck(t *testing.T) {
	entered, leave := make(chan struct{}), make(chan struct{})
	t.Cleanup(func() { close(leave) })
	p, err := runtime.Load(&runtime.Config{
		FS: fstest.MapFS{"app.star": {Data: []byte(`
def app(environ, start_response):
    if environ["PATH_INFO"] == "/stuck":
        stick()
    start_response("200 OK", [])
    return ["free"]
`)}},
		Limits: runtime.Limits{Time: 50 * time.Millisecond},
		Predeclared: starlark.StringDict{"stick": rthost.Func("stick", func() {
			close(entered)
			<-leave
		})},
	}, "app.star")
	if err != nil {
		t.Fatal(err)
	}
	slots := &server.Slots{Calls: 1, Wait: patient}
	l := open(t, "http")
	g := serveGroup(t, &server.Group{
		Handler: &server.Handler{App: p, Slots: slots}, Drain: 50 * time.Millisecond,
	}, l)
	stuck := call(t, l, true)
	stuck.url += "/stuck"
	go stuck.get()
	<-entered
	if body, _, err := call(t, l, false).get(); body != "free" {
		t.Errorf("the next request got %q, %v", body, err)
	}
	if err := g.ends(); err == nil {
		t.Error("the group says that every request was answered")
	}
}
