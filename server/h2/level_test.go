package h2

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// A streamHeap has the stream with the lowest identifier first, whatever was added and removed.
func TestStreamHeap(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var h streamHeap
	var in []*stream
	for range 10_000 {
		if len(in) == 0 || r.IntN(5) < 3 {
			st := &stream{id: r.Uint32()}
			h.push(st)
			in = append(in, st)
		} else {
			i := r.IntN(len(in))
			h.remove(in[i])
			in = slices.Delete(in, i, i+1)
		}
		if len(h) != len(in) {
			t.Fatalf("the heap has %d streams, want %d", len(h), len(in))
		}
		for i, st := range h {
			if st.turn.at != i || h[0].id > st.id {
				t.Fatalf("stream %d at %d has place %d; the first is %d", st.id, i, st.turn.at, h[0].id)
			}
		}
	}
}
