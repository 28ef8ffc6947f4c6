package watch_test

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/watch"
)

// TestOthers changes files that are not the program's: those that a person edits are told of, also in a directory that is new, and
// those of editors, of a running application and of the program are not.
func TestOthers(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "app.star"), app("one"))
	write(t, filepath.Join(dir, "static/a.css"), "a")
	live, err := runtime.NewLive(&runtime.Config{FS: runtime.Dir(dir)}, "app.star")
	if err != nil {
		t.Fatal(err)
	}
	told, loaded := make(chan []string, 10), make(chan error, 10)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		watch.Run(ctx, slog.New(slog.DiscardHandler), watch.Target{Live: live, Dir: dir, Others: func(files []string) { told <- files }, Changed: func(err error) { loaded <- err }})
	}()
	t.Cleanup(func() { cancel(); <-done })
	want := func(files ...string) {
		t.Helper()
		var got []string
		for !slices.Equal(got, files) { // a slow machine may tell of them one by one
			select {
			case more := <-told:
				got = append(got, more...)
				slices.Sort(got)
				got = slices.Compact(got)
			case <-time.After(10 * time.Second):
				t.Fatalf("told of %v, want %v", got, files)
			}
		}
	}
	time.Sleep(4 * watch.Settle) // until the first look; nothing tells of it
	write(t, filepath.Join(dir, "static/a.css"), "ab")
	want("static/a.css")
	write(t, filepath.Join(dir, "new/page.html"), "x")
	want("new/page.html")
	write(t, filepath.Join(dir, "new/page.html"), "xy")
	want("new/page.html")
	if err := os.Remove(filepath.Join(dir, "static/a.css")); err != nil {
		t.Fatal(err)
	}
	want("static/a.css")
	for _, name := range []string{".app.star.swp", "app.star~", "#app.star#", "4913", "site.db", "site.db-wal", "out.log", ".git/index", "node_modules/x.js"} {
		write(t, filepath.Join(dir, name), "x")
	}
	write(t, filepath.Join(dir, "app.star"), app("two"))
	select {
	case err := <-loaded:
		if err != nil {
			t.Fatal(err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("no attempt to load")
	}
	write(t, filepath.Join(dir, "last.txt"), "x")
	want("last.txt")
}
