package server_test

import (
	"net"
	"net/http"
	"testing"

	"github.com/larkspur-web/larkspur/server"
)

// BenchmarkHello is a request for the hello application, from the frames of the client to those of the
// response, by a client that allocates nothing: all that is counted is the server's. Run it with -cpu 1.
func BenchmarkHello(b *testing.B) {
	for _, load := range []struct {
		name    string
		handler http.Handler
	}{
		{"bare", bareHello},
		{"app", &server.Handler{App: load(b, "app.star")}},
	} {
		b.Run(load.name, func(b *testing.B) {
			c := dialPlain(b, serveHello(b, load.handler), 0)
			c.asks(b, "/hello?x=1", 100)
			b.ReportAllocs()
			b.ResetTimer()
			before := used()
			for left := b.N; left > 0; left -= 100 {
				c.asks(b, "/hello?x=1", min(left, 100))
			}
			b.ReportMetric(float64(used()-before)/float64(b.N), "cpu-ns/op")
		})
	}
}

var bareHello = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
	w.Header()["Content-Type"] = []string{"text/plain"}
	w.Header()["Content-Length"] = []string{"14"}
	w.Write([]byte("Hello, world!\n"))
})

// serveHello serves h over HTTP/2 without TLS, and returns its URL.
func serveHello(tb testing.TB, h http.Handler) string {
	s := &http.Server{Handler: h}
	if err := server.Configure(s); err != nil {
		tb.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	go s.Serve(l)
	tb.Cleanup(func() { s.Close() })
	return "http://" + l.Addr().String()
}

// asks asks n times at once, and awaits all responses.
func (c *plainClient) asks(tb testing.TB, target string, n int) {
	for range n {
		c.ask(target)
	}
	c.await(tb, n)
}
