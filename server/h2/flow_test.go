package h2

import (
	"math"
	"math/rand/v2"
	"testing"
)

// Whatever the handler reads, the client gets to send again: the window never stays shut while
// nothing is left to read.
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
				w.giveBack(n)
			}
			if unread == 0 && w.avail <= 0 {
				t.Fatalf("window %d is shut, and nothing is left to read", size)
			}
			if got := int(w.avail) + int(w.unsent) + unread; got != int(size) {
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

// A window is never made larger than a window can be, nor by less than nothing: RFC 9113, section
// 6.9.1.
func TestWindowBounds(t *testing.T) {
	panics := func(f func()) (did bool) {
		defer func() { did = recover() != nil }()
		f()
		return false
	}
	for name, f := range map[string]func(w *inflow){
		"given back, less than nothing": func(w *inflow) { w.giveBack(-1) },
		"given back, beyond the most":   func(w *inflow) { w.giveBack(maxWindow) },
		"grown by less than nothing":    func(w *inflow) { w.grow(-1) },
		"grown beyond the most":         func(w *inflow) { w.grow(1) },
	} {
		var w inflow
		w.init(maxWindow)
		if !panics(func() { f(&w); f(&w) }) {
			t.Errorf("%s: it is %+v now", name, w)
		}
	}

	out := outflow{10}
	if out.add(maxWindow-9) || out.n != 10 {
		t.Errorf("2^31 bytes are a window, which is %d now", out.n)
	}
	if !out.add(maxWindow-10) || out.n != maxWindow {
		t.Errorf("2^31-1 bytes are no window, which is %d now", out.n)
	}
	out.take(maxWindow)
	if !out.add(-maxWindow) || out.n != -maxWindow { // RFC 9113, section 6.9.2
		t.Errorf("a window cannot be below zero, and is %d now", out.n)
	}
	if !panics(func() { out.take(1) }) || !panics(func() { out.take(-1) }) {
		t.Error("what is not there was taken")
	}
}
