//go:build unix

package h2_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/larkspur-web/larkspur/server/h2"
)

// BenchmarkClientConn measures a ClientConn beside net/http's Transport, both with one connection to this
// package's server on a pair of sockets, in one run and in turns: ns/op and allocs/op are ours,
// http-ns/op and http-allocs/op net/http's, and times says how many of ours take as long as one of
// its. The server, whose part is the same for both, shares the processor and the allocations.
func BenchmarkClientConn(b *testing.B) {
	for _, load := range []struct {
		name   string
		path   string
		at     int // requests at once
		upload int
	}{
		{"13B/1", "/13", 1, 0},
		{"13B/50", "/13", 50, 0},
		{"10KB/1", "/10240", 1, 0},
		{"10KB/50", "/10240", 50, 0},
		{"1MB/1", "/1048576", 1, 0},
		{"1MB/10", "/1048576", 10, 0},
		{"upload-1KB/50", "/0", 50, 1 << 10},
		{"upload-1MB/1", "/0", 1, 1 << 20},
	} {
		b.Run(load.name, func(b *testing.B) {
			ours := h2.NewClientConn(benchServer(b), h2.ClientConfig{Window: 256 << 10})
			defer ours.Close()
			theirs := &http.Transport{
				Protocols: new(http.Protocols),
				DialContext: func(context.Context, string, string) (net.Conn, error) {
					return benchServer(b), nil
				},
				DisableCompression: true,
			}
			theirs.Protocols.SetUnencryptedHTTP2(true)
			defer theirs.CloseIdleConnections()
			run := func(rt http.RoundTripper, n int) {
				var left atomic.Int64
				left.Store(int64(n))
				var group sync.WaitGroup
				for range load.at {
					group.Go(func() {
						buf := make([]byte, 32<<10)
						for left.Add(-1) >= 0 {
							benchRequest(b, rt, load.path, load.upload, buf)
						}
					})
				}
				group.Wait()
			}
			run(ours, load.at)
			run(theirs, 1)
			run(theirs, load.at)
			b.SetBytes(int64(load.upload))
			b.ReportAllocs()
			b.ResetTimer()
			var theirTime time.Duration
			var theirAllocs uint64
			for left := b.N; left > 0; {
				n := min(left, max(1, b.N/10))
				left -= n
				run(ours, n)
				b.StopTimer()
				before, start := mallocs(), time.Now()
				run(theirs, n)
				theirTime += time.Since(start)
				theirAllocs += mallocs() - before
				b.StartTimer()
			}
			b.StopTimer()
			b.ReportMetric(float64(theirTime.Nanoseconds())/float64(b.N), "http-ns/op")
			b.ReportMetric(float64(theirAllocs)/float64(b.N), "http-allocs/op")
			b.ReportMetric(float64(theirTime)/float64(b.Elapsed()), "times")
		})
	}
}

// benchServer is a connection to a server.
func benchServer(b *testing.B) net.Conn {
	near, far := socketPair(b)
	go new(h2.Server).ServeConn(context.Background(), far, &http.Server{Handler: http.HandlerFunc(sized)})
	return near
}

func benchRequest(b *testing.B, rt http.RoundTripper, path string, upload int, buf []byte) {
	r, err := http.NewRequest("GET", "http://worker"+path, nil)
	if upload > 0 {
		r, err = http.NewRequest("POST", "http://worker"+path, strings.NewReader(uploaded[:upload]))
	}
	if err != nil {
		panic(err)
	}
	r.Header["User-Agent"] = benchAgent
	res, err := rt.RoundTrip(r)
	if err != nil {
		panic(err)
	}
	n := 0
	for err == nil {
		var m int
		m, err = res.Body.Read(buf)
		n += m
	}
	if err != io.EOF || fmt.Sprint("/", n) != path && upload == 0 {
		panic(fmt.Sprint(n, err))
	}
	res.Body.Close()
}

var (
	uploaded   = strings.Repeat("x", 1<<20)
	benchAgent = []string{"benchmark"}
)

// BenchmarkClientConnAlone measures what a round trip costs the client: the server answers from
// prepared frames, at next to no cost.
func BenchmarkClientConnAlone(b *testing.B) {
	for _, at := range []int{1, 50} {
		b.Run(fmt.Sprint(at), func(b *testing.B) {
			near, far := socketPair(b)
			go answerAll(far)
			c := h2.NewClientConn(near, h2.ClientConfig{})
			defer c.Close()
			r, err := http.NewRequest("GET", "http://worker/13", nil)
			if err != nil {
				b.Fatal(err)
			}
			r.Header["User-Agent"] = benchAgent
			b.ReportAllocs()
			b.ResetTimer()
			start := cpu()
			var left atomic.Int64
			left.Store(int64(b.N))
			var group sync.WaitGroup
			for range at {
				group.Go(func() {
					buf := make([]byte, 100)
					for left.Add(-1) >= 0 {
						res, err := c.RoundTrip(r)
						if err != nil {
							panic(err)
						}
						for err == nil {
							_, err = res.Body.Read(buf)
						}
						res.Body.Close()
					}
				})
			}
			group.Wait()
			b.ReportMetric(float64(cpu()-start)/float64(b.N), "cpu-ns/op")
			runtime.KeepAlive(far)
		})
	}
}

// answerAll answers each request on nc with 13 bytes, and looks at nothing but the headers of frames.
func answerAll(nc net.Conn) {
	in := make([]byte, 64<<10)
	if _, err := io.ReadFull(nc, in[:24]); err != nil {
		return
	}
	out := []byte("\x00\x00\x00\x04\x00\x00\x00\x00\x00" + "\x00\x00\x00\x04\x01\x00\x00\x00\x00")
	have := 0
	// :status 200, content-length 13, content-type and date, the latter two from the table after the
	// first response.
	full := "\x88\x5c\x0213\x5f\x18application/octet-stream\x61\x1dFri, 27 Nov 2026 16:13:30 GMT"
	short := "\x88\xc0\xbf\xbe"
	for {
		n, err := nc.Read(in[have:])
		if err != nil {
			return
		}
		have += n
		at := 0
		for have-at >= 9 {
			size := 9 + int(in[at])<<16 + int(in[at+1])<<8 + int(in[at+2])
			if have-at < size {
				break
			}
			if in[at+3] == 1 { // HEADERS
				out = append(out, 0, 0, byte(len(full)), 1, 4)
				out = append(out, in[at+5:at+9]...)
				out = append(out, full...)
				out = append(out, 0, 0, 13, 0, 1)
				out = append(out, in[at+5:at+9]...)
				out = append(out, "hello, world!"...)
				full = short
			}
			at += size
		}
		have = copy(in, in[at:have])
		if _, err := nc.Write(out); err != nil {
			return
		}
		out = out[:0]
	}
}
