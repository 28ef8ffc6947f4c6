package state_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/larkspur-web/larkspur/runtime/state"
	"go.starlark.net/starlark"
)

// TestTake verifies that requests are counted for all processes, and each client's by itself.
func TestTake(t *testing.T) {
	dir := t.TempDir()
	grants := []*state.Grant{grant(t, dir), grant(t, dir)}
	const n = 20
	var may atomic.Int64
	var all sync.WaitGroup
	for i := range 4 {
		all.Go(func() {
			for range n / 2 { // twice as many as may
				wait, err := grants[i%2].Take(new(starlark.Thread), "ann", time.Hour/n, time.Hour)
				switch {
				case err != nil:
					t.Error(err)
				case wait == 0:
					may.Add(1)
				case wait > time.Hour/n:
					t.Errorf("it is to wait for %v", wait)
				}
			}
		})
	}
	all.Wait()
	if may.Load() != n {
		t.Errorf("%d may ask, want %d", may.Load(), n)
	}
	if wait, err := grants[0].Take(new(starlark.Thread), "bob", time.Hour, time.Hour); wait != 0 || err != nil {
		t.Errorf("another client is to wait for %v, %v", wait, err)
	}
}
