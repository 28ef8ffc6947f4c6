package hosttest

import (
	"testing"
	"time"
)

// TestCPU verifies that work counts, and that a wait does not.
func TestCPU(t *testing.T) {
	const wait = 200 * time.Millisecond
	if took := CPU(func() { time.Sleep(wait) }); took > wait/2 {
		t.Errorf("a wait of %v took %v of a processor", wait, took)
	}
	work := func() {
		for before := spent(); spent()-before < 20*time.Millisecond; {
		}
	}
	if took := CPU(work); took < 20*time.Millisecond {
		t.Errorf("work of 20 ms took %v of a processor", took)
	}
}
