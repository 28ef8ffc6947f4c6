package worker_test

import (
	"io"
	"log/slog"
	"net"
	"net/http"
	"syscall"
	"testing"
	"testing/fstest"

	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/server"
	"github.com/larkspur-web/larkspur/server/h2"
	"github.com/larkspur-web/larkspur/server/worker"
)

const hello = `
def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return ["Hello, World!"]
`

// BenchmarkHop measures a request for hello over h2c, answered in the process and behind a hop, by as
// many clients at once as make the two batches.
func BenchmarkHop(b *testing.B) {
	live, err := runtime.NewLive(&runtime.Config{FS: fstest.MapFS{"app.star": {Data: []byte(hello)}}}, "app.star")
	if err != nil {
		b.Fatal(err)
	}
	quiet := slog.New(slog.DiscardHandler)
	gateway := func() *server.Gateway { return &server.Gateway{App: live, Logger: quiet} }
	b.Run("process", func(b *testing.B) {
		measure(b, &server.Front{Handler: gateway(), Logger: quiet})
	})
	b.Run("hop", func(b *testing.B) {
		near, far := pair(b)
		go worker.Serve(far, &server.Front{Hop: true, MaxBody: -1, Handler: gateway(), Logger: quiet}, nil)
		conn := h2.NewClientConn(near, h2.ClientConfig{})
		defer conn.Close()
		measure(b, &server.Front{Handler: &worker.Link{Conn: conn}, Logger: quiet})
	})
}

// pair is two connections of a unix socket.
func pair(tb testing.TB) (near, far net.Conn) {
	tb.Helper()
	l, err := net.Listen("unix", tb.TempDir()+"/s")
	if err != nil {
		tb.Fatal(err)
	}
	defer l.Close()
	if near, err = net.Dial("unix", l.Addr().String()); err != nil {
		tb.Fatal(err)
	}
	if far, err = l.Accept(); err != nil {
		tb.Fatal(err)
	}
	return near, far
}

// measure has b.N requests answered by h.
func measure(b *testing.B, h http.Handler) {
	s := &http.Server{Handler: h}
	if err := server.Configure(s); err != nil {
		b.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	go s.Serve(l)
	defer s.Close()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	client := h2.NewClientConn(c, h2.ClientConfig{})
	defer client.Close()
	b.ReportAllocs()
	b.SetParallelism(64)
	b.ResetTimer()
	before := used()
	defer func() { b.ReportMetric(float64(used()-before)/float64(b.N), "cpu-ns/op") }()
	b.RunParallel(func(pb *testing.PB) {
		r, _ := http.NewRequest("GET", "http://"+l.Addr().String()+"/", nil)
		for pb.Next() {
			res, err := client.Do(r, nil)
			if err != nil {
				b.Error(err)
				return
			}
			if n, _ := io.Copy(io.Discard, res.Body); n != 13 || res.StatusCode != 200 {
				b.Errorf("%d, %d bytes", res.StatusCode, n)
			}
			res.Body.Close()
		}
	})
}

// used is the time of processors that the process has used, in nanoseconds.
func used() int64 {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u) // it cannot fail for the process itself
	return u.Utime.Nano() + u.Stime.Nano()
}
