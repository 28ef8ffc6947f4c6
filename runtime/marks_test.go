package runtime

import (
	"math/rand/v2"
	"testing"
)

// TestMarks compares with a set of granules.
func TestMarks(t *testing.T) {
	var m marks
	seen := make(map[uintptr]bool)
	r := rand.New(rand.NewPCG(1, 2))
	for range 3000 {
		p := chunkSize*3 + uintptr(r.IntN(3*chunkSize))
		n := uintptr(r.IntN(1 << r.IntN(18)))
		var want uint64
		for g := p / granule; n > 0 && g <= (p+n-1)/granule; g++ {
			if !seen[g] {
				seen[g] = true
				want += granule
			}
		}
		if got := m.add(p, n); got != want {
			t.Fatalf("%d bytes from %#x: got %d, want %d", n, p, got, want)
		}
	}
}
