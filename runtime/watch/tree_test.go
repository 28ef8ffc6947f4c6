package watch_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/larkspur-web/larkspur/runtime/watch"
)

// TestTree verifies that what is done is done again after each change below the directory, also in a directory that
// is new, and not for what is skipped.
func TestTree(t *testing.T) {
	dir := t.TempDir()
	write := func(name, content string) {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	write("a.star", "1")
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	runs, ended := make(chan bool, 10), make(chan error, 1)
	skip := func(path string) bool { return path == filepath.Join(dir, "report.xml") }
	n := 0
	go func() {
		ended <- watch.Tree(ctx, nil, dir, skip, func() {
			n++
			write("report.xml", string(rune('a'+n))) // as a run may
			runs <- true
		})
	}()
	expect := func(what string) {
		t.Helper()
		select {
		case <-runs:
		case <-time.After(10 * time.Second):
			t.Fatalf("nothing was run after %s", what)
		}
	}
	expect("the start")
	write("a.star", "12")
	expect("a change")
	write("sub/deep/b.star", "1")
	expect("a file in a new directory")
	write("sub/deep/b.star", "12")
	expect("a change there")
	if err := os.Rename(filepath.Join(dir, "a.star"), filepath.Join(dir, "c.star")); err != nil {
		t.Fatal(err)
	}
	expect("a new name")
	write(".git/index", "1")
	write("report.xml", "mine")
	select {
	case <-runs:
		t.Error("something was run after changes that do not count")
	case <-time.After(4 * watch.Settle):
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
