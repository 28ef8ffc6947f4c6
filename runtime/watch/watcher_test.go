package watch_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	goruntime "runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/watch"
)

// A tenant is a program of a watcher that has many.
type tenant struct {
	dir     string
	live    *runtime.Live
	changed chan error
	others  chan []string
}

func newTenant(t *testing.T) *tenant {
	t.Helper()
	n := &tenant{dir: t.TempDir(), changed: make(chan error, 10), others: make(chan []string, 100)}
	write(t, filepath.Join(n.dir, "app.star"), app("1"))
	var err error
	n.live, err = runtime.NewLive(&runtime.Config{FS: runtime.Dir(n.dir)}, "app.star")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(n.live.Close)
	return n
}

func (n *tenant) target() watch.Target {
	return watch.Target{Live: n.live, Dir: n.dir, Changed: func(err error) { n.changed <- err }}
}

// reloads changes the program, and waits until it is loaded.
func (n *tenant) reloads(t *testing.T, answer string) {
	t.Helper()
	write(t, filepath.Join(n.dir, "app.star"), app(answer))
	select {
	case err := <-n.changed:
		if err != nil {
			t.Fatal(err)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("no attempt to load")
	}
}

func run(t *testing.T, w *watch.Watcher) {
	t.Helper()
	w.Logger = slog.New(slog.DiscardHandler)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); w.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
}

// watches counts the instances of inotify that the process has, and their watches.
func watches(t *testing.T) (instances, watched int) {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip(err)
	}
	for _, e := range entries {
		if to, _ := os.Readlink("/proc/self/fd/" + e.Name()); to != "anon_inode:inotify" {
			continue
		}
		instances++
		info, _ := os.ReadFile("/proc/self/fdinfo/" + e.Name())
		watched += bytes.Count(info, []byte("inotify wd:"))
	}
	return instances, watched
}

// TestTargetsComeAndGo adds programs to a watcher that runs, and removes them.
func TestTargetsComeAndGo(t *testing.T) {
	before, _ := watches(t)
	var w watch.Watcher
	first := newTenant(t)
	if err := w.Add(first.target()); err != nil {
		t.Fatal(err)
	}
	run(t, &w)
	first.reloads(t, "2")
	_, alone := watches(t)
	var more []*tenant
	for range 20 {
		n := newTenant(t)
		if err := w.Add(n.target()); err != nil {
			t.Fatal(err)
		}
		more = append(more, n)
	}
	for _, n := range more {
		n.reloads(t, "2")
	}
	if instances, watched := watches(t); instances != before+1 || watched < alone+len(more) {
		t.Errorf("%d instances of inotify with %d watches for %d programs",
			instances-before, watched, len(more)+1)
	}
	for _, n := range more {
		w.Remove(n.live)
		write(t, filepath.Join(n.dir, "app.star"), app("3"))
	}
	first.reloads(t, "3")
	if _, watched := watches(t); watched != alone {
		t.Errorf("%d watches for one program, %d before the others came", watched, alone)
	}
	for _, n := range more {
		if got := n.live.Status().Generation; got != 2 {
			t.Errorf("generation %d of a program that is watched no longer", got)
		}
	}
	if err := w.Add(more[0].target()); err != nil {
		t.Fatal(err)
	}
	<-more[0].changed // it was changed meanwhile
}

// TestWrongDir names directories that no program can be of.
func TestWrongDir(t *testing.T) {
	n := newTenant(t)
	for _, dir := range []string{
		"", filepath.Join(n.dir, "none"), filepath.Join(n.dir, "app.star"), t.TempDir(),
		filepath.Dir(n.dir),
	} {
		target := n.target()
		target.Dir = dir
		err := new(watch.Watcher).Add(target)
		if err == nil || !strings.HasPrefix(err.Error(), "watch: ") {
			t.Errorf("%q: got %v", dir, err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		if err := watch.Run(ctx, nil, n.target(), target); err == nil {
			t.Errorf("%q is watched", dir)
		}
		cancel()
	}
	target := n.target()
	target.Dir = filepath.Join(n.dir, "none")
	if err := (*watch.Watcher)(nil).Add(target); err != nil {
		t.Errorf("a nil watcher: %v", err)
	}
}

// TestOthersSettleEach has a file be written all the time, and another stay open, while a third is
// saved.
func TestOthersSettleEach(t *testing.T) {
	n := newTenant(t)
	open, err := os.Create(filepath.Join(n.dir, "tee.txt"))
	if err != nil {
		t.Fatal(err)
	}
	defer open.Close()
	var w watch.Watcher
	target := n.target()
	target.Others = func(files []string) { n.others <- files }
	if err := w.Add(target); err != nil {
		t.Fatal(err)
	}
	run(t, &w)
	n.reloads(t, "2") // it has looked
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			case <-time.After(watch.Settle / 5):
			}
			line := fmt.Sprintln(i)
			open.WriteString(line)
			const grow = os.O_APPEND | os.O_CREATE | os.O_WRONLY
			f, err := os.OpenFile(filepath.Join(n.dir, "busy.txt"), grow, 0o644)
			if err == nil {
				f.WriteString(line)
				f.Close()
			}
		}
	}()
	var told []string
	for i := range 3 {
		write(t, filepath.Join(n.dir, "site.css"), strings.Repeat("x", i+1))
		for saved := len(told); !slices.Contains(told[saved:], "site.css"); {
			select {
			case files := <-n.others:
				told = append(told, files...)
			case <-time.After(20 * time.Second):
				t.Fatalf("told of %v, and not of what was saved", told)
			}
		}
	}
	close(stop)
	<-stopped
	if slices.Contains(told, "tee.txt") && goruntime.GOOS == "linux" { // no other system tells
		t.Error("told of a file that somebody has open to write")
	}
	open.Close()
	for !slices.Contains(told, "tee.txt") || !slices.Contains(told, "busy.txt") {
		select {
		case files := <-n.others:
			told = append(told, files...)
		case <-time.After(20 * time.Second):
			t.Fatalf("told of %v, and not of what was closed", told)
		}
	}
}
