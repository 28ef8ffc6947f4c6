package deploy

import (
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/host"
)

// MaxArchive is how many bytes an archive has at most.
const MaxArchive = 64 << 20

// Pack reads all files of a tree, but those whose path has a name that begins with a dot. A symbolic
// link is the file that it leads to, which has to be in the tree.
func Pack(fsys fs.FS) (*Tree, error) {
	t := new(Tree)
	err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case hidden(name) && d.IsDir():
			return fs.SkipDir
		case hidden(name), d.IsDir():
			return nil
		}
		if err := t.admit(name); err != nil {
			return err
		}
		info, err := host.Stat(fsys, name) // what a link leads to
		if err != nil {
			return err
		}
		if !info.Mode().IsRegular() {
			return fmt.Errorf("%q is no file, and leads to none", host.Cut(name))
		}
		f, err := fsys.Open(name)
		if err != nil {
			return err
		}
		defer f.Close()
		return t.read(name, f)
	})
	if err == nil {
		err = t.seal()
	}
	if err != nil {
		return nil, fmt.Errorf("deploy: %w", err)
	}
	return t, nil
}

// Unpack reads a .zip, which may come from anybody: what it says of sizes is not believed. If all of its
// files are below one directory, as those of a release often are, that is the root. Names that begin
// with a dot are left out, as by [Pack].
func Unpack(data []byte) (*Tree, error) {
	t, err := unpack(data)
	if err != nil {
		return nil, fmt.Errorf("deploy: %w", err)
	}
	return t, nil
}

func unpack(data []byte) (*Tree, error) {
	if len(data) > MaxArchive {
		return nil, fmt.Errorf("the archive has more than %d MiB", MaxArchive>>20)
	}
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, err
	}
	root := rootOf(z)
	t := new(Tree)
	for _, f := range z.File {
		name, ok := strings.CutPrefix(f.Name, root)
		if strings.HasSuffix(name, "/") && f.Mode().IsDir() || !ok || name == "" || fs.ValidPath(name) && hidden(name) {
			continue
		}
		if err := t.admit(name); err != nil {
			return nil, err
		}
		if !f.Mode().IsRegular() {
			return nil, fmt.Errorf("%q is a symbolic link or a device, which an archive is not to have", host.Cut(name))
		}
		r, err := f.Open()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", host.Cut(name), err)
		}
		err = t.read(name, r)
		r.Close()
		if err != nil {
			return nil, err
		}
	}
	return t, t.seal()
}

// rootOf is the directory that all files are below, with a slash, if app.star is there and not above.
func rootOf(z *zip.Reader) string {
	root := ""
	for i, f := range z.File {
		first, _, below := strings.Cut(f.Name, "/")
		if f.Name == "app.star" || !below || i > 0 && first+"/" != root {
			return ""
		}
		root = first + "/"
	}
	return root
}

// pack writes the tree as an archive, the same for the same files.
func (t *Tree) pack() ([]byte, error) {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, name := range t.names() {
		w, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate})
		if err == nil {
			_, err = w.Write(t.files[name])
		}
		if err != nil {
			return nil, err
		}
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	if b.Len() > MaxArchive {
		return nil, fmt.Errorf("the archive has more than %d MiB", MaxArchive>>20)
	}
	return b.Bytes(), nil
}

// ReadZip reads a file that [Unpack] understands.
func ReadZip(file string) (*Tree, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, MaxArchive+1))
	if err != nil {
		return nil, err
	}
	t, err := unpack(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return t, nil
}

// A Zip is the tree that is in a .zip, which is read again when the file has changed: a generation
// keeps the tree that it was loaded from. It is safe for concurrent use.
type Zip struct {
	file string

	mu   sync.Mutex
	tree *Tree
	size int64
	time time.Time
}

// NewZip returns that of a file.
func NewZip(file string) *Zip { return &Zip{file: file} }

var _ runtime.Snapshotter = (*Zip)(nil)

// Follow loads the program again when the file has changed, until ctx ends. It looks twice a second.
func (z *Zip) Follow(ctx context.Context, live *runtime.Live, logger *slog.Logger) {
	last := "" // it may have changed since the program was loaded
	for pause(ctx, 500*time.Millisecond) {
		t, err := z.now()
		if err != nil || t.digest == last {
			continue // it may be half written
		}
		last = t.digest
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
	if z.tree != nil && info.Size() == z.size && info.ModTime().Equal(z.time) {
		return z.tree, nil
	}
	t, err := ReadZip(z.file)
	if err != nil {
		return nil, err
	}
	z.tree, z.size, z.time = t, info.Size(), info.ModTime()
	return t, nil
}
