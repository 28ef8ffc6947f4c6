package h2

import (
	"math"
	"math/rand/v2"
	"testing"
)

// Whatever the handler reads, the client gets to send again: the window never stays shut while nothing
// is left to read.
func TestInflowNeverStaysShut(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, size := range []int32{1, 3, 100, 65535, math.MaxInt32} {
		var w inflow
		w.init(size)
		unread := 0
		for range 10_000 {
			if n := min(1+r.IntN(20_000), int(w.avail)); n > 0 && r.IntN(2) == 0 {
				if !w.take(n) {
					t.Fatalf("window %d: %d of %d bytes were not there", size, n, w.avail)
				}
				unread += n
			}
			if unread > 0 {
				n := 1 + r.IntN(unread)
				unread -= n
				w.give(n)
			}
			if unread == 0 && w.avail <= 0 {
				t.Fatalf("window %d is shut, and nothing is left to read", size)
			}
			if got := int(w.avail) + int(w.owed) + unread; got != int(size) {
				t.Fatalf("window %d: %d bytes are open, owed or unread", size, got)
			}
		}
	}
}

// More than the window is refused, and takes nothing.
func TestInflowTake(t *testing.T) {
	var w inflow
	w.init(10)
	if w.take(11) {
		t.Error("11 bytes were taken from a window of 10")
	}
	if !w.take(10) {
		t.Error("10 bytes were not taken from a window of 10")
	}
}
