package deploy

import (
	"context"
	"io/fs"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/host"
)

// A Zip is the tree that is in a .zip, which is read again when the file has changed: a generation
// keeps the tree that it was loaded from. It is safe for concurrent use.
type Zip struct {
	file string

	mu   sync.Mutex
	tree *Tree // nil if err is not
	err  error
	size int64
	time time.Time
}

// NewZip returns that of a file.
func NewZip(file string) *Zip { return &Zip{file: file} }

var _ runtime.Snapshotter = (*Zip)(nil)

// Follow loads the program again when the file has changed, until ctx ends. It looks twice a second.
func (z *Zip) Follow(ctx context.Context, live *runtime.Live, logger *slog.Logger) {
	last := "" // it may have changed since the program was loaded
	half, said := "", ""
	for host.Pause(ctx, 500*time.Millisecond) == nil {
		t, err := z.now()
		switch {
		case err != nil && err.Error() != half:
			half = err.Error() // it may be half written
			continue
		case err != nil:
			if half != said {
				logger.Error("the archive cannot be read, the last good version serves on", slog.Any("error", err))
				said = half
			}
			continue
		case t.digest == last:
			continue
		}
		last, half, said = t.digest, "", ""
		before := live.Generation()
		if err := live.Reload(); err != nil {
			logger.Error("reload failed, the last good version serves on", slog.Any("error", err))
		} else if live.Generation() != before {
			logger.Info("reloaded", slog.Uint64("generation", live.Generation()))
		}
	}
}

// Snapshot is [runtime.Snapshotter]'s.
func (z *Zip) Snapshot() (fs.FS, func(), error) {
	t, err := z.now()
	if err != nil {
		return nil, nil, err
	}
	return t, func() {}, nil
}

// Open opens a file of the archive as it is now.
func (z *Zip) Open(name string) (fs.File, error) {
	t, err := z.now()
	if err != nil {
		return nil, err
	}
	return t.Open(name)
}

func (z *Zip) now() (*Tree, error) {
	info, err := os.Stat(z.file)
	if err != nil {
		return nil, err
	}
	z.mu.Lock()
	defer z.mu.Unlock()
	if (z.tree == nil && z.err == nil) || info.Size() != z.size || !info.ModTime().Equal(z.time) {
		z.tree, z.err = ReadZip(z.file)
		z.size, z.time = info.Size(), info.ModTime()
	}
	return z.tree, z.err
}
