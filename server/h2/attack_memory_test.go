package h2_test

import (
	"bytes"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/larkspur-web/larkspur/server/h2"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// bomb is a header block of n fields of size bytes, and the block that has the same again: a byte for
// each.
func bomb(name string, n, size int) (first, again []byte) {
	return bombOf(name, strings.Repeat("x", size), n)
}

// bombOf is bomb, with that value.
func bombOf(name, value string, n int) (first, again []byte) {
	var buf bytes.Buffer
	e := hpack.NewEncoder(&buf)
	blocks := make([][]byte, 2)
	for i := range blocks {
		for _, f := range [][2]string{{":method", "GET"}, {":scheme", "http"}, {":authority", "a"}, {":path", "/"}} {
			e.WriteField(hpack.HeaderField{Name: f[0], Value: f[1], Sensitive: true})
		}
		for range n {
			e.WriteField(hpack.HeaderField{Name: name, Value: value})
		}
		blocks[i] = bytes.Clone(buf.Bytes())
		buf.Reset()
	}
	return blocks[0], blocks[1]
}

// TestAttackHeaderMemory: headers that cost a few bytes to send and 62 KB to keep, on streams that no
// window lets end: neither those whose handlers have returned nor those whose handlers run take more
// memory than MaxHeaderMemory, and others do not notice.
func TestAttackHeaderMemory(t *testing.T) {
	for _, attack := range []struct {
		name  string
		conns int
		hold  bool // its handlers do not return
		field string
		n     int
		size  int
	}{
		{"crumbs of a cookie", 50, false, "cookie", 16, 3900},
		{"crumbs, handlers that run", 50, true, "cookie", 16, 3900},
		{"many fields", 5, true, "x", 500, 30},
	} {
		t.Run(attack.name, func(t *testing.T) {
			conns := attack.conns
			if raceDetector {
				conns = 5
			}
			hold := make(chan struct{})
			g := &target{t: t, keeper: t}
			g.service = serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if attack.hold && r.Header.Get(attack.field) != "" {
					w.(http.Flusher).Flush() // an event stream, which does not count for others
					select {
					case <-hold:
					case <-r.Context().Done():
					}
				}
				fmt.Fprint(w, "hello, world\n")
			}), nil, func(s *h2.Server) { s.StallTimeout = -1 })
			defer close(hold)
			first, again := bomb(attack.field, attack.n, attack.size)
			g.during(func() {
				// One after another: it is what they keep that is measured, not the load of all.
				for range conns {
					a := g.attack(t, "http", set(http2.SettingInitialWindowSize, 0))
					a.headers(1, true, first)
					a.flood(249, func(i int) { a.headers(uint32(2*i+3), true, again) })
					for start := time.Now(); a.answers() < 250 && time.Since(start) < 10*time.Second; {
						time.Sleep(time.Millisecond)
					}
				}
				t.Logf("%d connections; goroutines: %d", conns, runtime.NumGoroutine())
			})
		})
	}
}

// answers is how many streams were answered or refused.
func (a *attacker) answers() int64 {
	return a.heard[http2.FrameHeaders].Load() + a.heard[http2.FrameRSTStream].Load()
}
