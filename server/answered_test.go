package server_test

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/larkspur-web/larkspur/server"
)

// TestAnswered has a Gateway tell what became of each request: what the application answered, a fault of it with
// its place, before and after the response has begun, and no fault where the client is at fault.
func TestAnswered(t *testing.T) {
	p := program(t, `
def app(environ, start_response):
    q = environ["QUERY_STRING"]
    if q == "early":
        fail("early")
    write = start_response("502 Bad Gateway" if q == "own" else "200 OK", [])
    if q == "late":
        write("x")
        fail("late")
    if q == "large":
        environ["wsgi.input"].read()
    return ["x"]
`, nil)
	var told string
	g := &server.Gateway{App: p, Logger: slog.New(slog.DiscardHandler),
		Answered: func(generation uint64, status int, f *server.Failure) {
			told = fmt.Sprint(status)
			if f != nil {
				told += fmt.Sprintf(" %s %s", f.Code, f.Place())
			}
		}}
	for query, want := range map[string]string{
		"": "200", "own": "502", "early": "500 LARK0501 app.star:5:13", "late": "200 LARK0501 app.star:9:13",
		"large": "413",
	} {
		r := httptest.NewRequest("POST", "/?"+query, nil)
		r.Body = http.MaxBytesReader(httptest.NewRecorder(), io.NopCloser(strings.NewReader("long")), 2)
		told = ""
		func() {
			defer func() { _ = recover() }() // http.ErrAbortHandler of a response that is broken off
			g.ServeHTTP(httptest.NewRecorder(), r)
		}()
		if told != want {
			t.Errorf("of %q it tells %q, want %q", query, told, want)
		}
	}
}
