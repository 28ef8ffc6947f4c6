package server_test

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	goruntime "runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/server"
	"go.starlark.net/starlark"
)

const hello = `
def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "14")])
    return [b"Hello, world!\n"]

def bare(): pass
`

func load(tb testing.TB, entry string) *runtime.Program {
	tb.Helper()
	p, err := runtime.Load(&runtime.Config{FS: fstest.MapFS{"app.star": {Data: []byte(hello)}}}, entry)
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

// request has an environ of 33 keys: those of every request, and ten header fields.
func request() *http.Request {
	r := httptest.NewRequest("GET", "/hello?x=1", nil)
	r.Header = http.Header{
		"User-Agent": {"Mozilla/5.0 (X11; Linux x86_64)"}, "Accept": {"text/html"}, "Accept-Encoding": {"gzip, deflate, br"},
		"Accept-Language": {"en-GB,en;q=0.5"}, "Cookie": {"session=0123456789abcdef"}, "Referer": {"https://localhost/"},
		"Sec-Fetch-Dest": {"document"}, "Sec-Fetch-Mode": {"navigate"}, "Sec-Fetch-Site": {"same-origin"},
	}
	return r
}

// A sink is a ResponseWriter that costs nothing.
type sink struct{ header http.Header }

func (s *sink) Header() http.Header                   { return s.header }
func (s *sink) WriteHeader(int)                       {}
func (s *sink) Write(p []byte) (int, error)           { return len(p), nil }
func (s *sink) WriteString(p string) (int, error)     { return len(p), nil }
func (s *sink) serve(h http.Handler, r *http.Request) { clear(s.header); h.ServeHTTP(s, r) }

// BenchmarkApp is a whole call of an application, from the request to the response, beside a call of a
// Starlark function that does nothing on a thread of its own.
func BenchmarkApp(b *testing.B) {
	b.Run("function", func(b *testing.B) {
		var bare starlark.Callable
		if err := load(b, "app.star:bare").Call(b.Context(), func(_ context.Context, _ *starlark.Thread, f starlark.Callable) error {
			bare = f
			return nil
		}); err != nil {
			b.Fatal(err)
		}
		b.ReportAllocs()
		for b.Loop() {
			if _, err := starlark.Call(new(starlark.Thread), bare, nil, nil); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("app", func(b *testing.B) {
		h, r, w := &server.Handler{App: load(b, "app.star")}, request(), &sink{make(http.Header)}
		b.ReportAllocs()
		for b.Loop() {
			w.serve(h, r)
		}
	})
}

// BenchmarkServe asks for the hello application, and for a bare http.Handler that writes the same bytes, on the
// same kind of server over TLS, on 100 streams of HTTP/2. The two take turns, so that what else the machine
// does falls on both: app/bare is the rate of the first as a part of that of the second.
func BenchmarkServe(b *testing.B) {
	bare := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		w.Header().Set("Content-Length", "14")
		io.WriteString(w, "Hello, world!\n")
	})
	const turn = 2000
	asks := [2]func(int){asker(b, bare), asker(b, &server.Handler{App: load(b, "app.star")})}
	var took [2]time.Duration
	var allocated [2]uint64
	for b.Loop() {
		for i, ask := range asks {
			var before, after goruntime.MemStats
			goruntime.ReadMemStats(&before)
			began := time.Now()
			ask(turn)
			took[i] += time.Since(began)
			goruntime.ReadMemStats(&after)
			allocated[i] += after.Mallocs - before.Mallocs
		}
	}
	n := float64(b.N * turn)
	b.ReportMetric(float64(took[0])/float64(took[1]), "app/bare")
	b.ReportMetric(float64(took[0])/n, "bare-ns/request")
	b.ReportMetric(float64(took[1])/n, "app-ns/request")
	b.ReportMetric(float64(allocated[0])/n, "bare-allocs/request")
	b.ReportMetric(float64(allocated[1])/n, "app-allocs/request")
	b.ReportMetric(0, "ns/op")
}

// asker serves h, and returns what asks for it n times on 100 streams.
func asker(b *testing.B, h http.Handler) func(n int) {
	certified := httptest.NewTLSServer(nil)
	certified.Close()
	s := &http.Server{Handler: h, TLSConfig: &tls.Config{Certificates: certified.TLS.Certificates, NextProtos: []string{"h2"}}}
	if err := server.Configure(s); err != nil {
		b.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	go s.ServeTLS(l, "", "")
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, ForceAttemptHTTP2: true}
	b.Cleanup(func() {
		transport.CloseIdleConnections()
		s.Close()
	})
	client := &http.Client{Transport: transport}
	return func(n int) {
		var left atomic.Int64
		left.Store(int64(n))
		var streams sync.WaitGroup
		for range 100 {
			streams.Go(func() {
				for left.Add(-1) >= 0 {
					res, err := client.Get("https://" + l.Addr().String() + "/")
					if err != nil {
						b.Error(err)
						return
					}
					io.Copy(io.Discard, res.Body)
					res.Body.Close()
				}
			})
		}
		streams.Wait()
	}
}
