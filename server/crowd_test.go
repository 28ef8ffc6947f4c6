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
// than from a server without the crowd, asked in turn; and what one of the crowd takes of memory.
func TestCrowd(t *testing.T) {
	const each = 60
	kinds := []string{"events", "reads none", "sends none"}
	for _, crowd := range append([][]string{kinds}, kinds[:1], kinds[1:2], kinds[2:]) {
		t.Run(fmt.Sprint(crowd), func(t *testing.T) {
			// All of the crowd may be on its way to its first step at once.
			c := serveWaits(t, &server.Slots{Calls: 8, Queue: each * len(crowd), Wait: time.Minute})
			twin := serveWaits(t, &server.Slots{Calls: 8, Queue: 100, Wait: time.Minute})
			latencies(c, twin)
			before := heap()
			for _, kind := range crowd {
				c.wait(each, stalls[kind])
			}
			latencies(c, twin) // once they have all arrived
			among, alone := latencies(c, twin)
			one := (heap() - before) / int64(each*len(crowd))
			t.Logf("p97 %v alone, %v among the crowd; one of it takes %d KiB", alone, among, one>>10)
			if among > 2*alone+250*time.Millisecond {
				t.Errorf("p97 is %v among the crowd, %v without it", among, alone)
			}
			if one > 64<<10 {
				t.Errorf("one of the crowd takes %d bytes", one)
			}
		})
	}
}

// latencies asks two servers in turn, 100 times, and returns how long the slowest but two of the
// answers of each took: what else the machine does is in both.
func latencies(a, b *crowd) (one, other time.Duration) {
	a.t.Helper()
	var took [2][]time.Duration
	for range 100 {
		for i, c := range []*crowd{a, b} {
			began := time.Now()
			if status, body := c.get("/"); status != 200 || body != "done" {
				c.t.Fatalf("got %d %q", status, body)
			}
			took[i] = append(took[i], time.Since(began))
		}
	}
	slices.Sort(took[0])
	slices.Sort(took[1])
	return took[0][97], took[1][97]
}

// heap is how much memory is in use, stacks included. What a server before this one had may go late.
func heap() (least int64) {
	for i := range 5 {
		goruntime.GC()
		var m goruntime.MemStats
		goruntime.ReadMemStats(&m)
		if n := int64(m.HeapInuse + m.StackInuse); i == 0 || n < least {
			least = n
		}
		time.Sleep(10 * time.Millisecond)
	}
	return least
}
