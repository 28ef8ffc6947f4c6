package files

import (
	"context"
	"io/fs"
	"os"
	"strings"
	"sync"
	"time"
)

// A usage is how much stands in a directory that has a quota. The zero value is ready; it is safe for
// concurrent use. What others do to the directory it learns when it would have to refuse something.
type usage struct {
	mu      sync.Mutex
	known   bool
	counted time.Time
	bytes   int64 // of files
	files   int
	pending reservation // what is being written
}

// A reservation is what a file that is being written will have more.
type reservation struct {
	bytes int64
	files int
}

// bounded reports whether anything has to be counted.
func (s *store) bounded() bool { return s.Bytes > 0 || s.Files > 0 }

// know counts what is there if nobody has yet.
func (u *usage) know(ctx context.Context, s *store, r *os.Root) error {
	if !s.bounded() {
		return nil
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.known {
		return nil
	}
	return u.count(ctx, r)
}

// count counts. u is locked.
func (u *usage) count(ctx context.Context, r *os.Root) error {
	var bytes int64
	files := 0
	err := walk(ctx, r, ".", func(_ string, info fs.FileInfo, linked bool) (bool, error) {
		if info.Mode().IsRegular() && !linked {
			bytes += info.Size()
			files++
		}
		return info.IsDir() && !linked, nil
	})
	if err != nil {
		return err
	}
	u.bytes, u.files, u.known, u.counted = bytes, files, true, time.Now()
	return nil
}

// recountAfter is how long a count is believed that has something refused.
const recountAfter = time.Second

// reserve takes room for a file that is being written.
func (u *usage) reserve(ctx context.Context, w *writing, bytes int64, files int) error {
	s := w.store
	if !s.bounded() {
		return nil
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.over(s, bytes, files) && time.Since(u.counted) > recountAfter {
		r, err := s.open(true)
		if err != nil {
			return err
		}
		defer r.Close()
		if err := u.count(ctx, r); err != nil {
			return err
		}
	}
	if u.over(s, bytes, files) {
		if files > 0 && s.Files > 0 && u.files+u.pending.files+files > s.Files {
			return s.failed("quota", w.path, nil, "cannot be written: there may be %d files in it", s.Files)
		}
		return s.failed("quota", w.path, nil,
			"cannot be written: all files in it together may have %d bytes", s.Bytes)
	}
	for _, r := range []*reservation{&u.pending, &w.reserved} {
		r.bytes += bytes
		r.files += files
	}
	return nil
}

func (u *usage) over(s *store, bytes int64, files int) bool {
	return s.Bytes > 0 && bytes > 0 && u.bytes+u.pending.bytes+bytes > s.Bytes ||
		s.Files > 0 && files > 0 && u.files+u.pending.files+files > s.Files
}

// settle has put make a file of what was reserved, by which so much more is there.
func (u *usage) settle(w *writing, put func() (bytes int64, files int, err error)) error {
	err := u.change(w.store, put)
	u.release(w)
	return err
}

// release gives back what was reserved and did not become a file.
func (u *usage) release(w *writing) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.pending.bytes -= w.reserved.bytes
	u.pending.files -= w.reserved.files
	w.reserved = reservation{}
}

// change runs f, by which so much more is there, or less.
func (u *usage) change(s *store, f func() (bytes int64, files int, err error)) error {
	if !s.bounded() {
		_, _, err := f()
		return err
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	bytes, files, err := f()
	if err == nil {
		u.bytes, u.files = u.bytes+bytes, u.files+files
	}
	return err
}

// swept are the directories in which files were looked for that a process which died was writing.
// The zero value is ready; it is safe for concurrent use.
type swept struct {
	mu   sync.Mutex
	dirs map[string]bool
}

const (
	staleAfter = time.Hour
	maxSwept   = 10_000 // directories that are remembered
)

// sweep removes such files from a directory, once for each. Nothing fails for it.
func (s *swept) sweep(ctx context.Context, r *os.Root, dir string) {
	s.mu.Lock()
	done := s.dirs[dir]
	if !done && len(s.dirs) < maxSwept {
		if s.dirs == nil {
			s.dirs = make(map[string]bool)
		}
		s.dirs[dir] = true
	}
	s.mu.Unlock()
	if done {
		return
	}
	f, err := openDir(r, ".")
	if err != nil {
		return
	}
	defer f.Close()
	for ctx.Err() == nil {
		names, err := f.Readdirnames(256)
		for _, name := range names {
			if !strings.HasPrefix(name, reserved+"-") || !strings.HasSuffix(name, suffix) {
				continue
			}
			info, err := r.Lstat(name)
			if err == nil && info.Mode().IsRegular() && time.Since(info.ModTime()) > staleAfter {
				_ = r.Remove(name) // another time
			}
		}
		if err != nil {
			return
		}
	}
}
