package websocket_test

import (
	"runtime"
	"testing"

	"github.com/larkspur-web/larkspur/cmd/testdata/racetest"
	limits "github.com/larkspur-web/larkspur/runtime"
)

// TestIdleCost: a WebSocket on which nothing happens costs at most 40 KB of heap and stacks, its
// client's side, which is in this process too, counted. Over HTTP/2 the connection, which many may
// share, costs up to 25 KB besides.
func TestIdleCost(t *testing.T) {
	racetest.Skip(t)
	if testing.Short() {
		t.Skip("a thousand connections")
	}
	for _, c := range []struct {
		name, proto string
		streams     int // on a connection
		most        int // bytes
	}{
		{"HTTP/1.1", "HTTP/1.1", 1, 40_000},
		{"HTTP/2", "HTTP/2", 100, 40_000},
		{"HTTP/2, a connection each", "HTTP/2", 1, 65_000},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := serve(t, limits.Limits{}, nil, echo)
			open := func(n int) {
				for range n / c.streams {
					w := s.wire(t, c.proto)
					for i := range c.streams {
						if i > 0 {
							w.connect(s.addr, uint32(2*i+1))
						}
						w.up.Write(frame{head: 0x81, payload: "hello"}.bytes())
						if _, got, err := w.read(); err != nil || got != "hello" {
							t.Fatalf("got %q, %v", got, err)
						}
					}
					w.down, w.framer, w.pack, w.left = nil, nil, nil, nil
				}
			}
			open(c.streams)
			used := func() (heap, stacks uint64) {
				for range 3 {
					runtime.GC()
				}
				var m runtime.MemStats
				runtime.ReadMemStats(&m)
				return m.HeapAlloc, m.StackInuse
			}
			const n = 1000
			heap, stacks := used()
			open(n)
			heapNow, stacksNow := used()
			perHeap, perStack := int(heapNow-heap)/n, int(stacksNow-stacks)/n
			t.Logf("a socket costs %d bytes of heap and %d of stacks", perHeap, perStack)
			if perHeap+perStack > c.most {
				t.Errorf("that is more than %d", c.most)
			}
		})
	}
}
