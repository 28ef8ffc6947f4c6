package state_test

import (
	"strings"
	"testing"
	"time"

	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/runtime/state"
)

// TestHouse verifies that two processes have one server, that one goes on when the other ends, and
// that what was kept is there for the next.
func TestHouse(t *testing.T) {
	dir := t.TempDir()
	one, two := grant(t, dir), grant(t, dir)
	first := newDesk(t, one)
	first.want(`b.put("k", "kept")`, `1`)
	second := newDesk(t, two)
	second.want(`b.get("k")`, `"kept"`, `b.put("k", "changed")`, `2`)
	first.want(`b.get("k")`, `"changed"`)
	begun := make(chan struct{})
	second.env["begun"] = host.Func("begun", func() { close(begun) })
	second.run("def wait():\n    for e in b.watch():\n        if e.key == \"end\":\n            return e.value\n        begun()\n")
	waits := make(chan string)
	go func() { waits <- second.eval(`wait()`) }()
	<-begun
	if err := one.Close(); err != nil {
		t.Fatal(err)
	}
	first.want(`b.get("k")`, `unavailable: get: what keeps it was closed`)
	second.want(`b.get("k")`, `"changed"`, `b.put("end", "seen")`, `3`)
	if t.Failed() {
		return // there is nothing to be seen
	}
	if got := <-waits; got != `"seen"` {
		t.Errorf("the watch that outlived the first process says %s", got)
	}
	if err := two.Close(); err != nil {
		t.Fatal(err)
	}
	newDesk(t, grant(t, dir)).want(`b.items()`, `[("end", "seen"), ("k", "changed")]`)
	guest := &state.Grant{Dir: t.TempDir(), Guest: true}
	defer guest.Close()
	if err := guest.Open(t.Context()); err == nil || !strings.Contains(err.Error(), "does not answer") {
		t.Errorf("a guest of nobody got %v", err)
	}
}

// TestTakeover verifies that what is asked after a connection was lost waits for the next server, even if it
// is not known yet that it was lost.
func TestTakeover(t *testing.T) {
	dir := t.TempDir()
	one, two := grant(t, dir), grant(t, dir)
	newDesk(t, one).want(`b.put("k", 1)`, `1`)
	second := newDesk(t, two)
	second.want(`b.get("k")`, `1`)
	tell := make(chan struct{})
	two.Lag(tell)
	if err := one.Close(); err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(100*time.Millisecond, func() { close(tell) })
	second.want(`b.get("k")`, `1`, `b.put("k", 2)`, `2`)
}
