package h2_test

import (
	"io"
	"net"
	"net/http"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/larkspur-web/larkspur/server/h2"
	"golang.org/x/net/http2"
)

// TestAttackSlow: clients that are silent or slow are gone when their time is up, with what they
// held, and others do not notice them.
func TestAttackSlow(t *testing.T) {
	const second = time.Second
	n := 1000
	if testing.Short() || raceDetector {
		n = 200
	}
	base := runtime.NumGoroutine()
	g := newTarget(t, func(s *http.Server) {
		s.ReadHeaderTimeout = second
		s.ReadTimeout = second
		s.WriteTimeout = second
		s.IdleTimeout = second
		s.HTTP2 = &http.HTTP2Config{WriteByteTimeout: second}
	}, func(s *h2.Server) { s.SettingsTimeout = second })
	greeting := func(conn net.Conn, s ...http2.Setting) *http2.Framer {
		io.WriteString(conn, http2.ClientPreface)
		fr := http2.NewFramer(conn, nil)
		fr.WriteSettings(s...)
		fr.WriteSettingsAck()
		return fr
	}
	wide := []http2.Setting{set(http2.SettingInitialWindowSize, 1<<31-1)}
	kinds := []struct {
		name   string
		scheme string
		conns  int
		reads  bool
		begin  func(conn net.Conn)
	}{
		{"says nothing", "http", n / 4, true, func(net.Conn) {}},
		{"shakes hands and says nothing", "https", n / 8, true, func(net.Conn) {}},
		{"half a preface", "http", n / 8, true, func(c net.Conn) { io.WriteString(c, http2.ClientPreface[:20]) }},
		{"idle", "http", n / 4, true, func(c net.Conn) { greeting(c) }},
		{"half a header block", "http", n / 4, true, func(c net.Conn) {
			greeting(c).WriteHeaders(http2.HeadersFrameParam{StreamID: 1, EndStream: true, BlockFragment: plainBlock("GET", "/")})
		}},
		{"uploads that stop", "http", 10, true, func(c net.Conn) {
			fr := greeting(c)
			for id := uint32(1); id < 100; id += 2 {
				fr.WriteHeaders(http2.HeadersFrameParam{StreamID: id, EndHeaders: true, BlockFragment: plainBlock("POST", "/upload")})
				fr.WriteData(id, false, []byte("x"))
			}
		}},
		{"windows that stay shut", "http", 10, true, func(c net.Conn) {
			fr := greeting(c, set(http2.SettingInitialWindowSize, 0))
			for id := uint32(1); id < 100; id += 2 {
				fr.WriteHeaders(http2.HeadersFrameParam{StreamID: id, EndStream: true, EndHeaders: true, BlockFragment: plainBlock("GET", "/big")})
			}
		}},
		{"a socket that is not read", "http", 10, false, func(c net.Conn) {
			fr := greeting(c, wide...)
			fr.WriteWindowUpdate(0, 1<<31-1-65535)
			for id := uint32(1); id < 100; id += 2 {
				fr.WriteHeaders(http2.HeadersFrameParam{StreamID: id, EndStream: true, EndHeaders: true, BlockFragment: plainBlock("GET", "/big")})
			}
		}},
	}
	g.during(func() {
		beats := newMetronome()
		defer close(beats.stop)
		var wg sync.WaitGroup
		start := time.Now()
		for _, kind := range kinds {
			for range kind.conns {
				conn, err := g.connect(kind.scheme)
				if err != nil {
					t.Fatal(err)
				}
				wg.Go(func() {
					defer conn.Close()
					began, late := time.Now(), beats.lateness()
					kind.begin(conn)
					if !kind.reads {
						// Its socket is full; the end shows when it is read at last.
						time.Sleep(4 * second)
					}
					conn.SetReadDeadline(began.Add(time.Minute))
					io.Copy(io.Discard, conn) // until the end, or the minute
					late = beats.lateness() - late
					if d := time.Since(began); d > 8*second+late {
						t.Errorf("%s: the connection went after %v, of which the machine was late by %v",
							kind.name, d, late)
					}
				})
			}
		}
		wg.Wait()
		t.Logf("all gone after %v, the machine was late by %v", time.Since(start), beats.lateness())
	})
	g.server.Close()
	settle(t, base)
}

// TestAttackTinyWindows: windows of a byte make a frame of each byte. That is the client's right, and
// its budget: it does not hold up others.
func TestAttackTinyWindows(t *testing.T) {
	g := newTarget(t, nil)
	g.during(func() {
		a := g.attack(t, "http", set(http2.SettingInitialWindowSize, 1))
		defer a.conn.Close()
		block := plainBlock("GET", "/big")
		for id := uint32(1); id < 200; id += 2 {
			a.headers(id, true, block)
		}
		n := a.flood(300_000, func(i int) { a.fr.WriteWindowUpdate(uint32(i%100*2+1), 1) })
		code, ended := a.end(200 * time.Millisecond)
		if ended && code != http2.ErrCodeEnhanceYourCalm {
			t.Errorf("the connection ended with %v", code)
		}
		t.Logf("%d updates, %d frames of data, ended: %v", n, a.heard[http2.FrameData].Load(), ended)
	})
}

// TestAttackManyStreams: as many streams as a client may have, of large answers that it does not take:
// each costs its window and a little, not its answer.
func TestAttackManyStreams(t *testing.T) {
	g := newTarget(t, nil)
	streams := 200
	if raceDetector {
		streams = 50 // a handler that begins takes several times as long, and a bystander waits for all of them
	}
	g.during(func() {
		block := plainBlock("GET", "/big")
		for range 8 {
			a := g.attack(t, "http", set(http2.SettingInitialWindowSize, 0))
			defer a.conn.Close() // before another try begins
			a.flood(streams, func(i int) { a.headers(uint32(2*i+1), true, block) })
		}
		time.Sleep(500 * time.Millisecond)
	})
}

// TestAttackStarving: clients that hold all handlers of a server by answers that they do not take do
// not hold them for long: others are served.
func TestAttackStarving(t *testing.T) {
	g := newTarget(t, nil, func(s *h2.Server) { s.MaxHandlers, s.StallTimeout = 200, 300*time.Millisecond })
	block := plainBlock("GET", "/big")
	for range 3 {
		a := g.attack(t, "http", set(http2.SettingInitialWindowSize, 0))
		a.flood(200, func(i int) { a.headers(uint32(2*i+1), true, block) })
	}
	time.Sleep(50 * time.Millisecond)
	start := time.Now()
	c := g.dial(t, "http")
	c.greet()
	c.get(1)
	if f := c.awaitStream(1); f.field(":status") != "200" {
		t.Errorf("the server sent %v", f)
	}
	t.Logf("served after %v", time.Since(start))
	if d := time.Since(start); d > 10*time.Second {
		t.Errorf("another client was served after %v", d)
	}
}
