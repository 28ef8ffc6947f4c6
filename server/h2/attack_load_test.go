package h2_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/http2"
)

const threeMB = 3 << 20

var large = strings.Repeat("0123456789abcdef", threeMB/16)

// race asks, with windows of that size for the streams, and returns the order in which streams ended, and for each end how
// many bytes each stream had by then.
func race(t *testing.T, s *service, scheme string, streams int, window uint32, ask func(c *client)) (ended []uint32, bytes []map[uint32]int) {
	t.Helper()
	c := s.dial(t, scheme)
	defer c.conn.Close()
	c.greet(set(http2.SettingInitialWindowSize, window))
	c.window(0, 1<<31-1-65535)
	ask(c)
	got := map[uint32]int{}
	for len(ended) < streams {
		f := c.next()
		switch {
		case f.gone != nil || f.kind == http2.FrameGoAway || f.kind == http2.FrameRSTStream:
			t.Fatalf("the server sent %v, with %v bytes received", f, got)
		case f.kind == http2.FrameData:
			got[f.id] += len(f.data)
		}
		if f.end {
			ended = append(ended, f.id)
			now := map[uint32]int{}
			for id, n := range got {
				now[id] = n
			}
			bytes = append(bytes, now)
		}
	}
	return ended, bytes
}

// promising answers a page with two promises of 3 MB, prepared or run by the handler, which it makes
// and then thinks for a while.
// late is set when the machine, not the handler, took the time that promises may use.
func promising(t *testing.T, prepared, critical bool, think time.Duration, late *atomic.Bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		if r.URL.Path != "/page" {
			io.WriteString(w, large)
			return
		}
		start := time.Now()
		for i := range 2 {
			target := fmt.Sprint("/promised/", i)
			var err error
			if prepared {
				header := http.Header{"Content-Type": {"text/plain"}}
				err = promiser(w).Promise(promised(target), header, []byte(large), critical, nil)
			} else {
				err = w.(http.Pusher).Push(target, nil)
			}
			if err != nil {
				t.Errorf("promise %d: %v", i, err)
			}
		}
		time.Sleep(think)
		late.Store(time.Since(start) > 5*time.Millisecond)
		io.WriteString(w, large)
	}
}

// TestPageBeforePromises: a page of 3 MB with two promises of 3 MB is complete first, each time.
func TestPageBeforePromises(t *testing.T) {
	times := 40
	if raceDetector {
		times = 10
	}
	for _, prepared := range []bool{true, false} {
		t.Run(fmt.Sprintf("prepared %v", prepared), func(t *testing.T) {
			var late atomic.Bool
			s := serve(t, promising(t, prepared, false, 0, &late), nil)
			counted := 0
			for i := 0; counted < times && i < 3*times; i++ {
				scheme := []string{"http", "https"}[i%2]
				ended, _ := race(t, s, scheme, 3, 1<<31-1, func(c *client) { c.get(1, ":path", "/page") })
				switch {
				case ended[0] == 1:
					counted++
				case !late.Load():
					t.Errorf("after %d pages that came first, the streams ended in the order %v", counted, ended)
				}
			}
			if counted < times {
				t.Errorf("the page was complete first in %d of %d", counted, 3*times)
			}
		})
	}
}

// TestPromisesWhileThinking: while the handler of a page has nothing to send, what it has promised is
// sent; and then the page does not wait for the rest.
func TestPromisesWhileThinking(t *testing.T) {
	s := serve(t, promising(t, true, false, 300*time.Millisecond, new(atomic.Bool)), nil)
	c := s.dial(t, "http")
	c.greet(set(http2.SettingInitialWindowSize, 1<<31-1))
	c.window(0, 1<<31-1-65535)
	c.get(1, ":path", "/page")
	before := 0
	for {
		f := c.next()
		if f.gone != nil {
			t.Fatalf("the server sent %v", f)
		}
		if f.id == 1 && f.kind == http2.FrameHeaders {
			break
		}
		if f.kind == http2.FrameData {
			before += len(f.data)
		}
	}
	if before == 0 {
		t.Error("of what was promised nothing came while the page was thought about")
	}
}

// TestCriticalPromises: what is critical goes before its page.
func TestCriticalPromises(t *testing.T) {
	s := serve(t, promising(t, true, true, 0, new(atomic.Bool)), nil)
	for range 5 {
		ended, _ := race(t, s, "http", 3, 1<<31-1, func(c *client) { c.get(1, ":path", "/page") })
		if ended[2] != 1 {
			t.Errorf("the streams ended in the order %v, want 1 at the end", ended)
		}
	}
}

// TestEquals: two equal answers of 3 MB end within 20% of each other.
func TestEquals(t *testing.T) {
	s := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, large) }), nil)
	for i := range 10 {
		scheme := []string{"http", "https"}[i%2]
		// The loopback takes 3 MB before a second request is there: both begin when both have.
		ended, bytes := race(t, s, scheme, 2, 0, func(c *client) {
			c.get(1)
			c.get(3)
			for range 2 {
				c.await("HEADERS * :status=200 ...")
			}
			c.settings(set(http2.SettingInitialWindowSize, 1<<31-1))
		})
		other := ended[1]
		if got := bytes[0][other]; got < threeMB*8/10 {
			t.Errorf("when stream %d had its 3 MB, stream %d had %d KB", ended[0], other, got>>10)
		}
	}
}

// TestShutdownUnderLoad: each request that was begun is answered, whole, and idle connections do not
// hold up the end.
func TestShutdownUnderLoad(t *testing.T) {
	before := runtime.NumGoroutine()
	var begun, finished atomic.Int64
	s := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		begun.Add(1)
		time.Sleep(time.Duration(rand.IntN(40)) * time.Millisecond)
		io.WriteString(w, strings.Repeat("x", 10_000))
		finished.Add(1)
	}), nil)
	for range 50 {
		c := s.dial(t, []string{"http", "https"}[rand.IntN(2)])
		c.greet()
	}
	var wg sync.WaitGroup
	var answered, refused atomic.Int64
	for i := range 8 {
		c := s.dial(t, []string{"http", "https"}[i%2])
		c.greet()
		c.drink()
		wg.Go(func() {
			id := uint32(1)
			open, got := map[uint32]bool{}, map[uint32]int{}
			last := uint32(1<<31 - 1)
			for {
				for len(open) < 25 && last == 1<<31-1 {
					c.get(id)
					open[id] = true
					id += 2
				}
				f := c.next()
				switch {
				case f.gone != nil:
					for id := range open {
						if id <= last {
							t.Errorf("stream %d was begun, GOAWAY said %d, and it got %d of 10000 bytes", id, last, got[id])
						}
						refused.Add(1)
					}
					return
				case f.kind == http2.FrameGoAway:
					if f.code != http2.ErrCodeNo || f.last > last {
						t.Errorf("the server sent %v after last stream %d", f, last)
					}
					last = f.last
				case f.kind == http2.FrameRSTStream:
					if f.code != http2.ErrCodeRefusedStream {
						t.Errorf("the server sent %v", f)
					}
					delete(open, f.id)
					refused.Add(1)
				case f.kind == http2.FrameData:
					got[f.id] += len(f.data)
				}
				if f.end {
					if got[f.id] != 10_000 {
						t.Errorf("stream %d has a body of %d bytes", f.id, got[f.id])
					}
					delete(open, f.id)
					answered.Add(1)
				}
			}
		})
	}
	for begun.Load() < 1000 {
		time.Sleep(time.Millisecond)
	}
	start := time.Now()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := s.server.Shutdown(ctx); err != nil {
		t.Errorf("Shutdown = %v", err)
	}
	took := time.Since(start)
	wg.Wait()
	if begun.Load() != finished.Load() || answered.Load() != finished.Load() {
		t.Errorf("%d requests were begun, %d finished, %d answered", begun.Load(), finished.Load(), answered.Load())
	}
	if took > 5*time.Second {
		t.Errorf("the end took %v", took)
	}
	t.Logf("%d answered, %d told to try again, %v", answered.Load(), refused.Load(), took)
	settle(t, before+4) // the listeners' goroutines end with the test
}

// goClient is Go's own client over HTTP/2.
func goClient(t testing.TB, scheme string) *http.Client {
	tr := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, Protocols: new(http.Protocols)}
	if scheme == "https" {
		tr.Protocols.SetHTTP2(true)
	} else {
		tr.Protocols.SetUnencryptedHTTP2(true)
	}
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr, Timeout: 60 * time.Second}
}

// TestReloadAndShutdown: under load the handler is replaced, over and over, requests are cancelled,
// pages promise, bodies stream both ways, and then the server shuts down: nothing fails that was not
// cancelled or refused. It is a test for the race detector.
func TestReloadAndShutdown(t *testing.T) {
	before := runtime.NumGoroutine()
	var current atomic.Pointer[http.HandlerFunc]
	generation := func(n int) *http.HandlerFunc {
		h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-Generation", fmt.Sprint(n))
			switch r.URL.Path {
			case "/echo":
				http.NewResponseController(w).EnableFullDuplex()
				io.Copy(w, r.Body)
			case "/stream":
				for range 20 {
					io.WriteString(w, "part ")
					w.(http.Flusher).Flush()
				}
			case "/big":
				io.WriteString(w, megabyte)
			default:
				if p, ok := w.(http.Pusher); ok {
					p.Push("/big", nil)
				}
				w.Header().Set("Trailer", "T")
				io.WriteString(w, "page")
				w.Header().Set("T", "v")
			}
		})
		return &h
	}
	current.Store(generation(0))
	s := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { (*current.Load())(w, r) }), nil)
	var stopped atomic.Bool
	var wg sync.WaitGroup
	var done atomic.Int64
	for i := range 16 {
		scheme := []string{"http", "https"}[i%2]
		base := map[string]string{"http": "http://" + s.plain, "https": "https://" + s.secure}[scheme]
		client := goClient(t, scheme)
		wg.Go(func() {
			for n := 0; !stopped.Load(); n++ {
				ctx, cancel := context.WithCancel(context.Background())
				cancelled := false
				var req *http.Request
				var want int
				switch n % 4 {
				case 0:
					req, _ = http.NewRequestWithContext(ctx, "GET", base+"/", nil)
					want = 4
				case 1:
					req, _ = http.NewRequestWithContext(ctx, "POST", base+"/echo", strings.NewReader(megabyte[:200_000]))
					want = 200_000
				case 2:
					req, _ = http.NewRequestWithContext(ctx, "GET", base+"/stream", nil)
					want = 100
				case 3:
					req, _ = http.NewRequestWithContext(ctx, "GET", base+"/big", nil)
					cancelled = true
				}
				res, err := client.Do(req)
				if err != nil {
					cancel()
					if stopped.Load() {
						return // refused
					}
					t.Errorf("%s: %v", req.URL, err)
					return
				}
				if cancelled {
					res.Body.Read(make([]byte, 1000))
					cancel()
					res.Body.Close()
					continue
				}
				body, err := io.ReadAll(res.Body)
				res.Body.Close()
				cancel()
				if err != nil || len(body) != want || res.StatusCode != 200 {
					t.Errorf("%s: %d, %d bytes, %v", req.URL, res.StatusCode, len(body), err)
				}
				if n%4 == 0 && res.Trailer.Get("T") != "v" {
					t.Errorf("%s: trailers %v", req.URL, res.Trailer)
				}
				done.Add(1)
			}
		})
	}
	start := time.Now()
	for n := 1; done.Load() < 500 || time.Since(start) < 500*time.Millisecond; n++ {
		current.Store(generation(n))
		time.Sleep(time.Millisecond)
		if time.Since(start) > 30*time.Second {
			t.Fatal("500 requests take more than 30 s")
		}
	}
	stopped.Store(true)
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := s.server.Shutdown(ctx); err != nil {
		t.Errorf("Shutdown = %v", err)
	}
	wg.Wait()
	if log := s.log.String(); log != "" {
		t.Errorf("the server logged:\n%s", log)
	}
	settle(t, before+4)
}

// TestLeaks: after thousands of requests, and clients killed in the midst of them, nothing is left.
func TestLeaks(t *testing.T) {
	requests := 20_000
	if testing.Short() || raceDetector {
		requests = 2_000
	}
	s := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		if r.URL.Path == "/big" {
			io.WriteString(w, megabyte)
			return
		}
		io.WriteString(w, "hello")
	}), nil)
	some := func(n int) {
		for _, scheme := range []string{"http", "https"} {
			c := goClient(t, scheme)
			base := map[string]string{"http": "http://" + s.plain, "https": "https://" + s.secure}[scheme]
			var wg sync.WaitGroup
			for range 20 {
				wg.Go(func() {
					for range n / 40 {
						res, err := c.Post(base+"/", "text/plain", strings.NewReader("body"))
						if err != nil {
							t.Error(err)
							return
						}
						io.Copy(io.Discard, res.Body)
						res.Body.Close()
					}
				})
			}
			wg.Wait()
			c.CloseIdleConnections()
		}
		for _, scheme := range []string{"http", "https"} { // and clients that are killed
			conn, err := s.connect(scheme)
			if err != nil {
				t.Fatal(err)
			}
			c := newClient(t, conn, scheme)
			c.preface()
			for id := uint32(1); id < 100; id += 2 {
				c.get(id, ":path", "/big")
				c.post(id + 200)
			}
			time.Sleep(20 * time.Millisecond)
			conn.Close()
		}
	}
	some(200) // what is made once is made
	time.Sleep(100 * time.Millisecond)
	goroutines, bytes := runtime.NumGoroutine(), settledHeap()
	some(requests)
	settle(t, goroutines)
	if h := settledHeap(); h > bytes+10<<20 {
		t.Errorf("the heap grew from %d to %d KB", bytes>>10, h>>10)
	}
}
