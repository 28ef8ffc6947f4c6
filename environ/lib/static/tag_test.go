package static_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/server"
)

// A counted tree counts what is read of its files, and stops each read at a gate if there is one.
type counted struct {
	fs.FS
	read  atomic.Int64
	reads chan chan struct{} // nil, or each read sends what is closed to let it go on
}

func (c *counted) Open(name string) (fs.File, error) {
	f, err := c.FS.Open(name)
	if err != nil || !strings.HasSuffix(name, ".bin") {
		return f, err
	}
	return &countedFile{f.(seeker), c}, nil
}

func (c *counted) Stat(name string) (fs.FileInfo, error) { return fs.Stat(c.FS, name) }

type seeker interface {
	fs.File
	io.Seeker
}

type countedFile struct {
	seeker
	tree *counted
}

func (f *countedFile) Read(p []byte) (int, error) {
	if f.tree.reads != nil {
		gate := make(chan struct{})
		f.tree.reads <- gate
		<-gate
	}
	n, err := f.seeker.Read(p)
	f.tree.read.Add(int64(n))
	return n, err
}

// sized makes a file of the size, which is an hour old, in a directory with the application.
func sized(t *testing.T, size int64) (dir, file string) {
	t.Helper()
	dir = t.TempDir()
	if err := os.CopyFS(dir, public(map[string]string{"a.bin": ""})); err != nil {
		t.Fatal(err)
	}
	file = filepath.Join(dir, "public/a.bin")
	old := time.Now().Add(-time.Hour)
	if err := errors.Join(os.Truncate(file, size), os.Chtimes(file, old, old)); err != nil {
		t.Fatal(err)
	}
	return dir, file
}

// TestTagIsMadeOnce asks for a file from fifty connections at once, over reloads.
func TestTagIsMadeOnce(t *testing.T) {
	const size = 4 << 20
	dir, file := sized(t, size)
	for _, ahead := range []time.Duration{-time.Hour, 24 * time.Hour} {
		tree := &counted{FS: runtime.Dir(dir)}
		app, address := serve(t, tree)
		at := time.Now().Add(ahead)
		if err := os.Chtimes(file, at, at); err != nil {
			t.Fatal(err)
		}
		await(t, func() bool { // until nobody can take it for a file that was written just now
			res, _ := ask(t, address, "HEAD", "/a.bin")
			before := tree.read.Load()
			again, _ := ask(t, address, "HEAD", "/a.bin")
			if res.Header.Get("Etag") != again.Header.Get("Etag") {
				t.Error("the ETag changed")
			}
			return tree.read.Load() == before
		})
		tree.read.Store(0)
		for i := range 3 {
			var all sync.WaitGroup
			for range 50 {
				all.Go(func() { ask(t, address, "HEAD", "/a.bin") })
			}
			all.Wait()
			source := script + fmt.Sprint("# ", i)
			if err := os.WriteFile(filepath.Join(dir, "app.star"), []byte(source), 0o644); err != nil {
				t.Fatal(err)
			}
			if err := app.Reload(); err != nil {
				t.Fatal(err)
			}
		}
		if got := tree.read.Load(); got != 0 {
			t.Errorf("%v: %d bytes were read for the ETag of a file that is known", ahead, got)
		}
	}
}

func await(t *testing.T, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !done(); {
		if time.Now().After(deadline) {
			t.Fatal("it never came")
		}
	}
}

// TestTagIsShared has clients wait for the hash of a file. It is made by one of them, goes on with
// the next when that one leaves, and stops once all have left.
func TestTagIsShared(t *testing.T) {
	const size, piece = 1 << 20, 64 << 10
	dir, _ := sized(t, size)
	tree := &counted{FS: runtime.Dir(dir), reads: make(chan chan struct{})}
	app, _ := serve(t, tree)
	h := &server.Handler{App: app, Logger: slog.New(slog.DiscardHandler)}
	head := func() (leave context.CancelFunc, ended chan struct{}) {
		ctx, leave := context.WithCancel(t.Context())
		ended = make(chan struct{})
		go func() {
			defer close(ended)
			defer func() { recover() }() // http.ErrAbortHandler: nobody is left to answer
			r := httptest.NewRequestWithContext(ctx, "HEAD", "/a.bin", nil)
			h.ServeHTTP(httptest.NewRecorder(), r)
		}()
		return leave, ended
	}
	leave, first := head()
	gate := <-tree.reads
	close(gate)
	gate = <-tree.reads // the first reads its second piece
	leaveSecond, second := head()
	leaveThird, third := head()
	leave()
	close(gate)
	<-first
	gate = <-tree.reads // another goes on
	leaveSecond()
	leaveThird()
	close(gate)
	<-second
	<-third
	if got := tree.read.Load(); got > 4*piece {
		t.Errorf("%d bytes were read for clients that had left", got)
	}
	go func() {
		for gate := range tree.reads {
			close(gate)
		}
	}()
	_, last := head()
	<-last
	if got := tree.read.Load(); got != size {
		t.Errorf("%d bytes were read to hash %d", got, size)
	}
}

// TestTagOfALargeFile asks for a file of 500 MB from clients that leave at once.
func TestTagOfALargeFile(t *testing.T) {
	dir, file := sized(t, 500<<20)
	tree := &counted{FS: runtime.Dir(dir)}
	_, address := serve(t, tree)
	began := time.Now()
	var all sync.WaitGroup
	for range 30 {
		all.Go(func() {
			for range 10 {
				c, err := net.Dial("tcp", address)
				if err != nil {
					t.Error(err)
					return
				}
				fmt.Fprint(c, "HEAD /a.bin HTTP/1.1\r\nHost: test\r\n\r\n")
				c.Close()
			}
		})
	}
	all.Wait()
	res, _ := ask(t, address, "HEAD", "/a.bin")
	if tree.read.Load() != 0 {
		t.Errorf("%d bytes were read for HEAD in %v", tree.read.Load(), time.Since(began))
	}
	tag := res.Header.Get("Etag")
	if !strings.HasPrefix(tag, `"`) {
		t.Errorf("got ETag %s, want a strong one", tag)
	}
	if res, _ := ask(t, address, "HEAD", "/a.bin", "If-None-Match: "+tag); res.StatusCode != 304 {
		t.Errorf("got %d, want 304", res.StatusCode)
	}
	now := time.Now()
	if err := os.Chtimes(file, now, now); err != nil {
		t.Fatal(err)
	}
	res, _ = ask(t, address, "HEAD", "/a.bin")
	if got := res.Header.Get("Etag"); got == tag || !strings.HasPrefix(got, "W/") {
		t.Errorf("just written: got ETag %s, want a weak one", got)
	}
}
