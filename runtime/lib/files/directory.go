package files

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// A Directory is what directoryType describes. It holds nothing open, and is safe for concurrent
// use.
type Directory struct {
	host.Object
	*store
}

var (
	_ starlark.HasAttrs = (*Directory)(nil)
	_ host.Treed        = (*Directory)(nil)
)

// String has the name of the directory.
func (d *Directory) String() string { return "<directory " + quoted(d.name) + ">" }

// AttrNames returns the names of the methods, and name.
func (d *Directory) AttrNames() []string { return directoryType.AttrNames() }

// Attr returns a method, or the name.
func (d *Directory) Attr(name string) (starlark.Value, error) {
	if name == "name" {
		return starlark.String(d.name), nil
	}
	return directoryType.Method(d, name), nil
}

// Tree returns the files of the directory, for what answers with them: it opens regular files and
// directories, and waits for nobody. Each look is one at what the directory is then.
func (d *Directory) Tree() fs.FS { return tree{d.store} }

// The type of directories. It is not changed after it is made.
var directoryType = &host.Type{
	Name: "directory",
	Doc: "A directory that was granted. Its paths are relative, with slashes, and mean what they " +
		"say: \"..\", an absolute path, a backslash, an empty or a \".\" element are errors, and " +
		"no symlink leads out of it. Names that begin with a dot are as good as others, but those " +
		"that begin with .larkspur, which are reserved. What is neither a file nor a directory, a " +
		"FIFO, a socket or a device, is not listed and cannot be opened.",
	Members: slices.Concat(
		[]host.Member{{Name: "name", Doc: "The name of the grant."}},
		readMembers(), entryMembers(), writeMembers(), changeMembers(),
	),
}

// A work is done on a directory. It returns how many there were, of bytes or of what else it is.
type work func(ctx context.Context, r *os.Root) (int64, error)

// look runs f while the call of t waits, and tells of it, with the unit of what f returns.
func (s *store) look(t *starlark.Thread, op, name, unit string, f work) error {
	return s.do(t, op, name, unit, false, f)
}

// change is look for what changes something: a directory that is to be made is there.
func (s *store) change(t *starlark.Thread, op, name string, f work) error {
	return s.do(t, op, name, "", true, f)
}

func (s *store) do(t *starlark.Thread, op, name, unit string, write bool, f work) error {
	began := time.Now()
	var n int64
	err := host.CallOf(t).Wait(func(ctx context.Context) error {
		r, err := s.open(write)
		if err != nil {
			return err
		}
		defer r.Close()
		n, err = f(ctx, r)
		return err
	})
	err = s.fault(name, err)
	s.observe(t, op, name, began, n, unit, err)
	return err
}

// observe tells of something that was done to a path.
func (s *store) observe(
	t *starlark.Thread, op, name string, began time.Time, n int64, unit string, err error,
) {
	host.Observe(t, host.Work{Kind: Name, Text: op + " " + s.name + "/" + name, Began: began,
		Took: time.Since(began), Count: n, Unit: unit, Err: err})
}

// openRegular opens a regular file to be read. It asks what it is before it opens it, because to
// open a device may do something, and again thereafter, because it may have been replaced.
func openRegular(r *os.Root, system string) (*os.File, fs.FileInfo, error) {
	info, err := r.Stat(system)
	if err == nil {
		err = regular(info)
	}
	if err != nil {
		return nil, nil, err
	}
	f, err := r.OpenFile(system, os.O_RDONLY|nonblocking, 0)
	if err != nil {
		return nil, nil, err
	}
	if info, err = f.Stat(); err == nil {
		err = regular(info)
	}
	if err != nil {
		f.Close()
		return nil, nil, err
	}
	return f, info, nil
}

// openDir opens a directory.
func openDir(r *os.Root, system string) (*os.File, error) {
	f, err := r.OpenFile(system, os.O_RDONLY|nonblocking, 0)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.IsDir() {
		err = &fs.PathError{Op: "open", Path: system, Err: syscall.ENOTDIR}
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// enterDir opens a directory as a root. With the dot at its end it is opened as one that is on the way
// to something: a FIFO, which OpenRoot would wait for, is then no directory.
func enterDir(r *os.Root, system string) (*os.Root, error) {
	return r.OpenRoot(system + string(filepath.Separator) + ".")
}

// regular returns an error for what is no regular file.
func regular(info fs.FileInfo) error {
	switch {
	case info.IsDir():
		return &fs.PathError{Op: "open", Path: info.Name(), Err: errDirectory}
	case !info.Mode().IsRegular():
		return &fs.PathError{Op: "open", Path: info.Name(), Err: errIrregular}
	}
	return nil
}

// A tree is the directory as an fs.FS.
type tree struct{ store *store }

var _ fs.StatFS = tree{}

// within runs f on the directory, with the name that the path has on this system.
func (t tree) within(op, name string, f func(r *os.Root, system string) error) error {
	system, err := local(name)
	if err != nil {
		return &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
	}
	r, err := t.store.open(false)
	if err != nil {
		return err
	}
	defer r.Close()
	return f(r, system)
}

// Open opens a regular file or a directory.
func (t tree) Open(name string) (file fs.File, err error) {
	err = t.within("open", name, func(r *os.Root, system string) error {
		info, err := r.Stat(system)
		if err != nil {
			return err
		}
		var f *os.File
		if info.IsDir() {
			f, err = openDir(r, system)
		} else {
			f, _, err = openRegular(r, system)
		}
		if err == nil {
			file = f
		}
		return err
	})
	return file, err
}

// Stat describes what a path leads to. It opens nothing but directories.
func (t tree) Stat(name string) (info fs.FileInfo, err error) {
	err = t.within("stat", name, func(r *os.Root, system string) error {
		info, err = r.Stat(system)
		return err
	})
	return info, err
}
