package server_test

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/larkspur-web/larkspur/environ/lib/body"
	"github.com/larkspur-web/larkspur/runtime"
	rthost "github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/server"
)

// endlessEvents are streams of events that end with the server only.
const endlessEvents = `
load("@body", "body_map", "ticks")
load("@time", "time")

def app(environ, start_response):
    path = environ["PATH_INFO"]
    environ["larkspur.on_finish"](lambda status, error: print("finished", path, status, error))
    start_response("200 OK", [("Content-Type", "text/event-stream")])
    def waits(stream):
        stream.write(":\n\n")
        catch(time.sleep, 3600)
        stream.write("data: it goes on\n\n")
    def works(stream):
        stream.write(":\n\n")
        while True:
            pass
    return {"/waits": waits, "/works": works}.get(path, body_map(lambda n: ":\n\n" if n == 0 else "", ticks(0.001)))
`

// TestEventsEnd ends a server that has streams of events: each ends at once, and is whole, so that its
// client comes again elsewhere; its application cleans up after it.
func TestEventsEnd(t *testing.T) {
	for _, http2 := range []bool{false, true} {
		t.Run(fmt.Sprint("HTTP/", map[bool]int{false: 1, true: 2}[http2]), func(t *testing.T) {
			t.Parallel()
			log := new(sharedLog)
			logger := slog.New(slog.NewTextHandler(log, nil))
			app, err := runtime.Load(&runtime.Config{FS: fstest.MapFS{"app.star": {Data: []byte(endlessEvents)}},
				Modules: []*rthost.Module{body.Module()}, Logger: logger}, "app.star")
			if err != nil {
				t.Fatal(err)
			}
			l := open(t, "http")
			g := serveGroup(t, &server.Group{Handler: &server.Handler{App: app, Logger: logger}}, l)
			c := call(t, l, http2)
			var streams sync.WaitGroup
			begun := make(chan struct{})
			paths := []string{"/waits", "/works", "/iterates"}
			for _, path := range paths {
				streams.Go(func() {
					r, _ := http.NewRequest("GET", l.URL+path, nil)
					r.Header.Set("Accept", "text/event-stream")
					res, err := c.client.Do(r)
					if err != nil {
						t.Error(err)
						begun <- struct{}{}
						return
					}
					defer res.Body.Close()
					p := make([]byte, 3)
					_, err = io.ReadFull(res.Body, p)
					begun <- struct{}{}
					rest, last := io.ReadAll(res.Body)
					if string(p) != ":\n\n" || err != nil || len(rest) > 0 || last != nil {
						t.Errorf("%s: %q, %v, and then %q, %v", path, p, err, rest, last)
					}
				})
			}
			for range paths {
				<-begun
			}
			if err := g.ends(); err != nil {
				t.Error(err)
			}
			streams.Wait()
			for _, path := range paths {
				if text := log.String(); !strings.Contains(text, "finished "+path+" 200 None") ||
					strings.Contains(text, "level=ERROR") {
					t.Errorf("of %s the log has\n%s", path, text)
				}
			}
		})
	}
}

// TestEventSource has which responses end with the server: those whose clients come again.
func TestEventSource(t *testing.T) {
	for _, c := range []struct {
		method, accept, contentType string
		want                        bool
	}{
		{"GET", "text/event-stream", "text/event-stream", true},
		{"GET", "*/*, Text/Event-Stream", "text/event-stream; charset=utf-8", true},
		{"GET", "*/*", "text/event-stream", false},
		{"GET", "", "text/event-stream", false},
		{"POST", "text/event-stream", "text/event-stream", false},
		{"GET", "text/event-stream", "text/plain", false},
		{"GET", "text/event-stream", "", false},
	} {
		r := httptest.NewRequest(c.method, "/", nil)
		h := http.Header{}
		if c.accept != "" {
			r.Header.Set("Accept", c.accept)
		}
		if c.contentType != "" {
			h.Set("Content-Type", c.contentType)
		}
		if got := server.EventSource(r, h["Content-Type"]); got != c.want {
			t.Errorf("%+v: got %v", c, got)
		}
	}
}
