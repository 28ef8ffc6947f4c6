package worker_test

import (
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/larkspur-web/larkspur/server"
	"github.com/larkspur-web/larkspur/server/h2"
	"github.com/larkspur-web/larkspur/server/worker"
)

// TestRequestTrailers has the trailers of a request go to a handler behind the hop, as it would see them
// in the front's process: their names before it has read the body, and their values after it; none of
// the hop's own, and none that stands in a trailer by no right.
func TestRequestTrailers(t *testing.T) {
	near, far := net.Pipe()
	t.Cleanup(func() { near.Close() })
	go worker.Serve(far, &server.Front{Hop: true, MaxBody: -1, Handler: http.HandlerFunc(
		func(w http.ResponseWriter, r *http.Request) {
			names := len(r.Trailer)
			text, err := io.ReadAll(r.Body)
			fmt.Fprintf(w, "%d names, %q, %v, %v", names, text, err, r.Trailer)
		})}, nil)
	link := &worker.Link{Conn: h2.NewClientConn(near, h2.ClientConfig{})}
	l, err := server.Listen("http://127.0.0.1:0", nil)
	if err != nil {
		t.Fatal(err)
	}
	s := newServer(&server.Front{Handler: link, Logger: slog.New(slog.DiscardHandler)})
	go s.Serve(l)
	t.Cleanup(func() { s.Close() })
	for version := 1; version <= 2; version++ {
		for _, length := range []int64{-1, 4} {
			if length >= 0 && version == 1 {
				continue // RFC 9112, section 7.1.2: they stand behind chunks
			}
			r, err := http.NewRequest("POST", l.URL, struct{ io.Reader }{strings.NewReader("body")})
			if err != nil {
				t.Fatal(err)
			}
			r.ContentLength = length
			r.Trailer = http.Header{"X-Sum": {"42"}, "Larkspur-Body": {"broken"}, "Cookie": {"a=b"}}
			res, err := client(t, version).Do(r)
			if err != nil {
				t.Fatal(err)
			}
			got, _ := io.ReadAll(res.Body)
			res.Body.Close()
			if want := `1 names, "body", <nil>, map[X-Sum:[42]]`; string(got) != want {
				t.Errorf("HTTP/%d, length %d: got %s, want %s", version, length, got, want)
			}
		}
	}
}
