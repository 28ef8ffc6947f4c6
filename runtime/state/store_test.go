package state_test

import (
	"testing"
	"time"

	"github.com/larkspur-web/larkspur/runtime/host"
)

// TestStore checks that a bucket is a store: what others of this module do with it, without a script.
func TestStore(t *testing.T) {
	d := newDesk(t, grant(t, t.TempDir()))
	d.run("old = bucket(\"old\", history = 3)\nshort = bucket(\"short\", history = 3, ttl = \"1h\")")
	ctx, s := t.Context(), d.env["b"].(host.Store)
	put := func(key, text string, version, want uint64) {
		t.Helper()
		if got, err := s.Store(ctx, key, text, version, time.Hour); got != want || err != nil {
			t.Errorf("Store(%s, %d): %d, %v, want %d", key, version, got, err, want)
		}
	}
	put("a.1", `{"n": 1}`, 0, 1)
	put("a.2", `2`, 0, 2)
	put("ab.1", `3`, 0, 3)
	put("a.1", `4`, 0, 0)
	put("a.1", `4`, 1, 4)
	if text, version, err := s.Fetch(ctx, "a.1"); text != "4" || version != 4 || err != nil {
		t.Errorf("Fetch: %q, %d, %v", text, version, err)
	}
	d.want(`b.get("a.1")`, "4", `b.keys()`, `["a.1", "a.2", "ab.1"]`)
	for _, c := range []struct {
		key     string
		version uint64
		want    bool
	}{{"a.1", 1, false}, {"a.1", 4, true}, {"a.1", 4, false}} {
		if done, err := s.Remove(ctx, c.key, c.version); done != c.want || err != nil {
			t.Errorf("Remove(%s, %d): %v, %v", c.key, c.version, done, err)
		}
	}
	if text, version, err := s.Fetch(ctx, "a.1"); text != "" || version != 0 || err != nil {
		t.Errorf("Fetch of what was removed: %q, %d, %v", text, version, err)
	}
	d.want(`b.keys()`, `["a.2", "ab.1"]`)
	if err := s.RemoveAll(ctx, "a."); err != nil {
		t.Fatal(err)
	}
	d.want(`b.keys()`, `["ab.1"]`, `b.get("ab.1")`, "3", `b.get("a.2")`, "None")
	put("a.2", `5`, 2, 0) // which is not there any more
	// A key has an age of its own where it can.
	if _, err := d.env["old"].(host.Store).Store(ctx, "k", "1", 0, time.Hour); host.KindOf(err) != "usage" {
		t.Errorf("a bucket with a history, without a ttl: %v", err)
	}
	if n, err := d.env["short"].(host.Store).Store(ctx, "k", "1", 0, time.Hour); n != 1 || err != nil {
		t.Errorf("a bucket with a history and a ttl: %d, %v", n, err)
	}
	// What cannot be reached says so.
	g := grant(t, t.TempDir())
	away := newDesk(t, g).env["b"].(host.Store)
	g.Close()
	if _, _, err := away.Fetch(ctx, "k"); host.StatusOf(err) != 503 {
		t.Errorf("a closed grant: %v", err)
	}
}
