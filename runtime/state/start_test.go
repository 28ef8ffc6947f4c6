package state_test

import (
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"go.starlark.net/starlark"
)

// TestStart verifies that a process is soon ready in which much is kept: 1,000 keys, or 100,000 with
// LARKSPUR_LONG=1.
func TestStart(t *testing.T) {
	keys, most := 1000, 10*time.Second
	if os.Getenv("LARKSPUR_LONG") == "1" {
		keys, most = 100_000, 3*time.Second // 0.2 s, of which 0.13 are the processor's, where nothing else runs
	}
	dir := t.TempDir()
	g := grant(t, dir)
	d := newDesk(t, g)
	d.run("def fill(begin, end):\n    for i in range(begin, end):\n        b.put(\"k.%d\" % i, {\"n\": i, \"text\": 20 * \"tea \"})\n")
	var all sync.WaitGroup
	const users = 10
	for u := range users {
		all.Go(func() {
			args := starlark.Tuple{starlark.MakeInt(u * keys / users), starlark.MakeInt((u + 1) * keys / users)}
			if _, err := starlark.Call(new(starlark.Thread), d.env["fill"], args, nil); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if err := g.Close(); err != nil {
		t.Fatal(err)
	}
	next := grant(t, dir)
	began := time.Now()
	if err := next.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	opened := time.Since(began)
	last := newDesk(t, next)
	last.want(fmt.Sprintf(`b.get("k.%d")["n"]`, keys-1), fmt.Sprint(keys-1))
	took := time.Since(began)
	t.Logf("%d keys: open after %v, the first value after %v", keys, opened, took)
	if took > most {
		t.Errorf("a start with %d keys took %v, want %v at most", keys, took, most)
	}
}
