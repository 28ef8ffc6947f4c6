package http

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"os"
	"sync"

	"github.com/larkspur-web/larkspur/environ"
)

// A disk is how much may be on disk of what was uploaded to all requests together.
type disk struct {
	mu   sync.Mutex
	left int64
}

// take takes n bytes, if there are as many.
func (d *disk) take(n int64) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.left < n {
		return false
	}
	d.left -= n
	return true
}

func (d *disk) give(n int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.left += n
}

// uploads are the files of one request: in memory, as long as they are small together, and in one
// temporary file.
type uploads struct {
	disk   *disk
	memory int   // bytes that may still be in memory
	left   int64 // bytes that may still come

	once  sync.Once
	file  *os.File // nil before it is needed
	named bool     // it has a name, which has to go
	size  int64    // of it
}

// take reads a file to its end. The error is an [environ.Error] or that of r.
func (u *uploads) take(r io.Reader) (fs.File, int64, error) {
	in := &limited{r: r, left: &u.left}
	head, err := io.ReadAll(io.LimitReader(in, int64(u.memory)+1))
	if err != nil {
		return nil, 0, err
	}
	if len(head) <= u.memory {
		u.memory -= len(head)
		return section{bytes.NewReader(head)}, int64(len(head)), nil
	}
	if u.file == nil {
		if err := u.create(); err != nil {
			return nil, 0, err
		}
	}
	start := u.size
	// A client can have the reader give it a few bytes at a time, by what resembles a boundary.
	w := bufio.NewWriterSize(u, 32<<10)
	_, err = io.Copy(w, io.MultiReader(bytes.NewReader(head), in))
	if err = cmp.Or(err, w.Flush()); err != nil {
		return nil, 0, err
	}
	size := u.size - start
	return section{io.NewSectionReader(u.file, start, size)}, size, nil
}

// Write appends to the temporary file. Its errors are an [environ.Error].
func (u *uploads) Write(p []byte) (int, error) {
	if !u.disk.take(int64(len(p))) {
		return 0, unkept(errors.New("too much is uploaded at once"))
	}
	u.size += int64(len(p))
	n, err := u.file.Write(p)
	if err != nil {
		return n, unkept(err)
	}
	return n, nil
}

// unkept is the error of an upload for which there is no room.
func unkept(err error) error {
	e := environ.Errorf(environ.CodeFull, "", "an upload cannot be kept: %v", err)
	e.Status, e.Err = http.StatusServiceUnavailable, err
	return e
}

// close closes the temporary file, which ends it: what is kept of it fails from now on.
func (u *uploads) close() {
	u.once.Do(func() {
		if u.file != nil {
			u.file.Close()
			if u.named {
				_ = os.Remove(u.file.Name()) // nobody is left to tell
			}
		}
		u.disk.give(u.size)
	})
}

// create makes the temporary file: without a name where the system lets go of one that is open, so
// that it ends with the process, whatever becomes of that.
func (u *uploads) create() (err error) {
	if u.file, err = os.CreateTemp("", "larkspur-upload-*"); err != nil {
		return unkept(err)
	}
	u.named = os.Remove(u.file.Name()) != nil
	return nil
}

// A limited reader fails when there is more than left, which it counts down.
type limited struct {
	r    io.Reader
	left *int64
}

func (l *limited) Read(p []byte) (int, error) {
	n, err := l.r.Read(p)
	if *l.left -= int64(n); *l.left < 0 {
		return 0, tooMany("the files of the form are too large")
	}
	return n, err
}

// A section is an uploaded file as an fs.File that can seek.
type section struct{ io.ReadSeeker }

// Close does nothing: the request ends what it was read from.
func (section) Close() error { return nil }

// Stat fails: it has no name in any tree.
func (section) Stat() (fs.FileInfo, error) { return nil, fs.ErrInvalid }
