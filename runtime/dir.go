package runtime

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/larkspur-web/larkspur/runtime/host"
)

// Dir returns the tree of files in the directory path, for Config.FS. Nothing outside it can be
// reached, neither by name nor by a symlink inside it: [os.Root] holds the border. Regular files
// and directories can be opened, and nothing else: a FIFO or a device is fs.ErrInvalid at once.
// What is below a directory of the name .larkspur is not there: tools keep secrets of the developer
// in it, which no path that a client can choose is to lead to.
//
// The directory itself is opened again for each generation of a program, so path may be, or lead
// through, a symlink that is swapped when a new release comes. A generation reads all its files,
// for as long as it lives, from the directory that path named when it was loaded. The descriptor
// is closed when the generation is retired: a program that nobody closes keeps it.
func Dir(path string) fs.FS { return dir(path) }

type dir string

var _ fs.StatFS = dir("")

// Open opens a file of the directory that the path names now.
func (d dir) Open(name string) (fs.File, error) {
	r, err := d.open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return r.Open(name)
}

// Stat describes a file of the directory that the path names now. It opens nothing in it but
// directories.
func (d dir) Stat(name string) (fs.FileInfo, error) {
	r, err := d.open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return r.Stat(name)
}

func (d dir) open() (*opened, error) {
	root, err := os.OpenRoot(string(d))
	if err != nil {
		return nil, err
	}
	return &opened{root}, nil
}

// kept reports whether a path leads below a directory .larkspur, on any file system.
func kept(name string) bool {
	for part := range strings.SplitSeq(name, "/") {
		if host.Loose(part) == host.Kept {
			return true
		}
	}
	return false
}

// An opened directory is the tree of one look at the files, or of one generation.
type opened struct{ root *os.Root }

var _ fs.StatFS = (*opened)(nil)

// Close closes the directory, but not the files that were opened in it.
func (o *opened) Close() error { return o.root.Close() }

// Open waits for nobody. Whether a file is a regular one is asked before, by Stat, and here again:
// it may have been replaced by a FIFO since.
func (o *opened) Open(name string) (fs.File, error) {
	local, err := filepath.Localize(name)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrInvalid}
	}
	if kept(name) {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	f, err := o.root.OpenFile(local, os.O_RDONLY|nonblocking, 0)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() && !info.IsDir() {
		err = &fs.PathError{Op: "open", Path: name, Err: fs.ErrInvalid}
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// Stat opens nothing but directories, those on the way to the file.
func (o *opened) Stat(name string) (fs.FileInfo, error) {
	local, err := filepath.Localize(name)
	if err != nil {
		return nil, &fs.PathError{Op: "stat", Path: name, Err: fs.ErrInvalid}
	}
	if kept(name) {
		return nil, &fs.PathError{Op: "stat", Path: name, Err: fs.ErrNotExist}
	}
	return o.root.Stat(local)
}

// A Snapshotter is a tree that may be another one each time that it is looked at, such as what a file
// of the user's has in it. [Dir] is one.
type Snapshotter interface {
	fs.FS
	// Snapshot returns the tree that one look at the files, or one generation, reads for as long as it
	// lives. done is called once, at its end.
	Snapshot() (tree fs.FS, done func(), err error)
}

var _ Snapshotter = dir("")

// Snapshot opens the directory that the path names now.
func (d dir) Snapshot() (tree fs.FS, done func(), err error) {
	o, err := d.open()
	if err != nil {
		return nil, nil, err
	}
	return o, func() { o.Close() }, nil // it was read only
}

// snapshot returns the tree that one look at the files or one generation reads, which is to be
// closed at its end.
func snapshot(tree fs.FS) (fsys fs.FS, done func(), err error) {
	s, ok := tree.(Snapshotter)
	if !ok {
		return tree, func() {}, nil
	}
	return s.Snapshot()
}
