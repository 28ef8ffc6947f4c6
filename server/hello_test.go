package server_test

import (
	"net"
	"net/http"
	"testing"

	"github.com/larkspur-web/larkspur/cmd/testdata/racetest"
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

// TestHelloAllocates holds how often a request allocates, exactly: what is more is to be seen by whoever
// makes it so, and what is less is written here.
func TestHelloAllocates(t *testing.T) {
	racetest.Skip(t)
	app := load(t, "app.star")
	ours := func(want float64, h http.Handler) {
		r, w := request(), &sink{make(http.Header)}
		if got := testing.AllocsPerRun(100, func() { w.serve(h, r) }); got != want {
			t.Errorf("a call of the application allocates %v times, want %v", got, want)
		}
	}
	ours(16, &server.Handler{App: app})
	for _, test := range []struct {
		name    string
		want    int
		handler http.Handler
	}{
		{"the engine", 5, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})},
		{"a bare handler", 10, bareHello},
		{"the application", 20, &server.Handler{App: app}},
	} {
		c := dialPlain(t, serveHello(t, test.handler), 0)
		const batch = 100
		ask := func() { c.asks(t, "/hello?x=1", batch) }
		ask() // what is made once for a connection
		if got := int(testing.AllocsPerRun(20, ask)) / batch; got != test.want {
			t.Errorf("a request of %s allocates %d times, want %d", test.name, got, test.want)
		}
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
