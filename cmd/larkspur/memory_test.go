package main

import "testing"

// TestHeapFloor leaves the garbage to whoever has said something about it.
func TestHeapFloor(t *testing.T) {
	t.Setenv("GOGC", "")
	t.Setenv("GOMEMLIMIT", "")
	if n := len(floorHeap()); n != heapFloor {
		t.Errorf("%d bytes count as held, want %d", n, heapFloor)
	}
	for _, name := range []string{"GOGC", "GOMEMLIMIT"} {
		t.Run(name, func(t *testing.T) {
			t.Setenv(name, "1GiB")
			if n := len(floorHeap()); n != 0 {
				t.Errorf("%d bytes count as held all the same", n)
			}
		})
	}
}
