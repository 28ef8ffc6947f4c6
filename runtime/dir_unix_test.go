//go:build unix

package runtime_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"syscall"
	"testing"

	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/host"
)

func fifo(t *testing.T, name string) {
	t.Helper()
	if err := syscall.Mkfifo(name, 0o644); err != nil {
		t.Skip(err)
	}
}

func TestLoadDoesNotWaitForAPipe(t *testing.T) {
	dir := t.TempDir()
	fifo(t, filepath.Join(dir, "app.star"))
	sub, err := fs.Sub(os.DirFS(filepath.Dir(dir)), filepath.Base(dir)) // it has no Stat
	if err != nil {
		t.Fatal(err)
	}
	for _, tree := range []fs.FS{runtime.Dir(dir), os.DirFS(dir), sub} {
		_, err := runtime.Load(&runtime.Config{FS: tree}, "app.star")
		if got, want := fmt.Sprint(err), "app.star: it is not a regular file"; got != want {
			t.Errorf("%T: got %s, want %s", tree, got, want)
		}
	}
}

// TestDirOpensFilesAndDirectories opens what another process may have put in the place of a file
// that was looked at before.
func TestDirOpensFilesAndDirectories(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "a.txt", "a", "sub/b.txt", "b")
	fifo(t, filepath.Join(dir, "pipe"))
	symlink(t, "pipe", filepath.Join(dir, "link"))
	tree := runtime.Dir(dir)
	for _, name := range []string{"a.txt", "sub", ".", "sub/b.txt"} {
		f, err := tree.Open(name)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		f.Close()
	}
	for _, name := range []string{"pipe", "link", "pipe/x", "../x", "/a.txt", "a.txt\x00"} {
		if f, err := tree.Open(name); err == nil {
			f.Close()
			t.Errorf("%q could be opened", name)
		}
	}
	if info, err := fs.Stat(tree, "pipe"); err != nil || info.Mode().Type() != fs.ModeNamedPipe {
		t.Errorf("Stat of a pipe: got %v, %v", info, err)
	}
}

// descriptors counts those of the process, while nothing else runs.
func descriptors(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip(err)
	}
	return len(entries)
}

// TestDescriptorsEnd does all that opens a tree, without a garbage collector.
func TestDescriptorsEnd(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	dir := t.TempDir()
	write(t, dir, "app.star", "load('lib.star', 'x')\ndef app(): return x", "lib.star", "x = 1",
		"wrong.star", "load('none.star', 'x')", "fails.star", "x = 1 // 0", "more.star", "y = 2")
	config := &runtime.Config{FS: runtime.Dir(dir)}
	live, err := runtime.NewLive(config, "app.star")
	if err != nil {
		t.Fatal(err)
	}
	before := descriptors(t)
	for i := range 20 {
		live.Scan()
		write(t, dir, "lib.star", fmt.Sprint("x = ", i+2))
		if err := live.Scan().Load(); err != nil {
			t.Fatal(err)
		}
		write(t, dir, "lib.star", "x = y")
		if live.Reload() == nil {
			t.Fatal("a file loads that does not")
		}
		p, err := runtime.LoadFile(config, "more.star")
		if err == nil {
			_, err = p.Load("fails.star")
		}
		if err == nil {
			t.Error("fails.star loads")
		}
		p.Close()
		for _, entry := range []string{"wrong.star", "fails.star", "app.star", "none.star"} {
			runtime.Check(config, entry)
			runtime.Parse(config, entry)
			if p, err := runtime.Load(config, entry); err == nil {
				p.Close()
			}
		}
		fs.Stat(config.FS, "app.star")
		fs.ReadFile(config.FS, "app.star")
		host.Excerpt(config.FS, host.Place{File: "app.star", Line: 1}, 1)
	}
	if after := descriptors(t); after != before {
		t.Errorf("%d descriptors are open, %d before", after, before)
	}
	live.Close()
	if after := descriptors(t); after != before-1 {
		t.Errorf("%d descriptors are open with the program closed, want %d", after, before-1)
	}
}
