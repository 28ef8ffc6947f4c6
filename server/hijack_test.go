package server_test

import (
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/larkspur-web/larkspur/server"
)

// TestHijackIsLogged verifies that a connection which a handler takes over is logged as a switch of protocols,
// not with status 0, which is that of a response broken off.
func TestHijackIsLogged(t *testing.T) {
	var log strings.Builder
	logged := make(chan bool)
	f := &server.Front{
		Access: slog.New(slog.NewTextHandler(&log, nil)),
		Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			c, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
			c.Close()
		}),
	}
	s := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer close(logged)
		f.ServeHTTP(w, r)
	}))
	res, err := http.Get(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	<-logged
	if !strings.Contains(log.String(), "status=101") {
		t.Errorf("the log has %q", &log)
	}
}
