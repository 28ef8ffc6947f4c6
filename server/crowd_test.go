package server_test

import (
	"fmt"
	goruntime "runtime"
	"slices"
	"testing"
	"time"

	"github.com/larkspur-web/larkspur/server"
)

// TestCrowd keeps a crowd waiting that would fill all slots many times over, of each kind and then of
// all at once, and measures what everybody else gets: no 503, and no answer that comes much later
// than without the crowd; and what one of the crowd takes of memory.
func TestCrowd(t *testing.T) {
	const each = 150
	kinds := []string{"events", "reads none", "sends none"}
	for _, crowd := range append([][]string{kinds}, kinds[:1], kinds[1:2], kinds[2:]) {
		t.Run(fmt.Sprint(crowd), func(t *testing.T) {
			// All of the crowd may be on its way to its first step at once.
			c := serveWaits(t, &server.Slots{Calls: 8, Queue: each * len(crowd), Wait: time.Minute})
			alone := c.latency()
			before := heap()
			for _, kind := range crowd {
				c.wait(each, stalls[kind])
			}
			c.latency() // once they have all arrived
			among := c.latency()
			one := (heap() - before) / int64(each*len(crowd))
			t.Logf("p99 %v alone, %v among the crowd; one of it takes %d KiB", alone, among, one>>10)
			// What else the machine does is in both.
			if among > 2*alone+250*time.Millisecond {
				t.Errorf("p99 is %v among the crowd, %v without it", among, alone)
			}
			if one > 64<<10 {
				t.Errorf("one of the crowd takes %d bytes", one)
			}
		})
	}
}

// latency asks 200 times, and returns how long the slowest but two took.
func (c *crowd) latency() time.Duration {
	c.t.Helper()
	var took []time.Duration
	for range 200 {
		began := time.Now()
		if status, body := c.get("/"); status != 200 || body != "done" {
			c.t.Fatalf("got %d %q", status, body)
		}
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	return took[197]
}

// heap is how much memory is in use, stacks included.
func heap() int64 {
	goruntime.GC()
	var m goruntime.MemStats
	goruntime.ReadMemStats(&m)
	return int64(m.HeapInuse + m.StackInuse)
}
