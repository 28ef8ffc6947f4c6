package site_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/larkspur-web/larkspur/server/site"
)

// TestFollower verifies that a file has changed once it stays as it is for two looks, and that other names are
// no change.
func TestFollower(t *testing.T) {
	a, b := filepath.Join(t.TempDir(), "a"), filepath.Join(t.TempDir(), "b")
	at := time.Now()
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		at = at.Add(time.Second) // whatever the resolution of the file system
		if err := os.Chtimes(name, at, at); err != nil {
			t.Fatal(err)
		}
	}
	var f site.Follower
	look := func(want bool, what string, names ...string) {
		t.Helper()
		if got := f.Changed(names...); got != want {
			t.Errorf("%s: %v, want %v", what, got, want)
		}
	}
	write(a, "one")
	look(false, "the first look", a, b)
	write(a, "two")
	look(false, "just written", a, b)
	write(a, "three")
	look(false, "written again", a, b)
	look(true, "written", a, b)
	look(false, "seen", a, b)
	write(b, "new")
	look(false, "a new file", a, b)
	look(true, "a new file that stays", a, b)
	look(false, "other names", a)
	if err := os.Remove(a); err != nil {
		t.Fatal(err)
	}
	look(false, "removed", a)
	look(true, "removed for good", a)
}
