package files

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

func changeMembers() []host.Member {
	readOnly := host.Failure{When: "the directory is granted to be read only (kind read_only)"}
	return []host.Member{
		{
			Name: "remove", Doc: "Removes a file, a symlink, or a directory that is empty.",
			Params: []host.Param{
				pathParam("of the file"),
				flag("missing_ok", "whether it need not be there", false),
			},
			Result:  "None",
			Errors:  []host.Failure{absent, readOnly, {When: "a directory is not empty (kind not_empty)"}},
			Example: "files.remove(\"a.txt\")\nfiles.exists(\"a.txt\")  # False",
			Fn:      (*Directory).remove,
		},
		{
			Name: "make", Doc: "Makes a directory, as mkdir does in Python.",
			Params: []host.Param{
				pathParam("of the directory"),
				flag("parents", "whether to make those above it that are not there", false),
				flag("exist_ok", "whether it may be there already", false),
			},
			Result: "None",
			Errors: []host.Failure{
				readOnly, {When: "it is there, and exist_ok is False, or it is a file (kind exists)"},
				{When: "the directory above it is not there (kind not_found)"},
			},
			Example: `files.make("2027/may", parents = True, exist_ok = True)
files.stat("2027").is_dir  # True`,
			Fn: (*Directory).make,
		},
		{
			Name: "rename",
			Doc: "Gives a file or a directory another path. A file that has that path is replaced, at " +
				"once, and so is a directory that is empty by a directory.",
			Params: []host.Param{
				{Name: "src", Doc: "the path that it has", Type: "string"},
				{Name: "dst", Doc: "the path that it is to have", Type: "string"},
			},
			Result: "None",
			Errors: []host.Failure{
				absent, readOnly, {When: "dst is a directory and src is none (kind is_directory or exists)"},
			},
			Example: "files.rename(\"a.txt\", \"c.txt\")\nfiles.read(\"c.txt\")  # \"hello\"",
			Fn:      (*Directory).rename,
		},
	}
}

// remove is remove(path, missing_ok).
func (d *Directory) remove(t *starlark.Thread, name string, missingOK bool) error {
	if err := d.writable(); err != nil {
		return err
	}
	system, err := localFile(name)
	if err != nil {
		return err
	}
	return d.change(t, "remove", name, func(_ context.Context, r *os.Root) (int64, error) {
		err := d.usage.change(d.store, func() (int64, int, error) {
			bytes, files, err := weigh(r, system)
			if err != nil {
				return 0, 0, err
			}
			return -bytes, -files, r.Remove(system)
		})
		if missingOK && errors.Is(err, fs.ErrNotExist) {
			return 0, nil
		}
		if err != nil {
			return 0, err
		}
		return 1, syncParent(r, system)
	})
}

// weigh returns what of a directory's usage a path is, an error if it cannot be removed: it is
// neither a file, a directory nor a symlink.
func weigh(r *os.Root, system string) (bytes int64, files int, err error) {
	info, err := r.Lstat(system)
	switch {
	case err != nil:
		return 0, 0, err
	case info.Mode().IsRegular():
		return info.Size(), 1, nil
	case info.IsDir(), info.Mode().Type() == fs.ModeSymlink:
		return 0, 0, nil
	}
	return 0, 0, errIrregular
}

// syncParent has a change of the directory last in which a path is.
func syncParent(r *os.Root, system string) error {
	dir, err := enterDir(r, filepath.Dir(system))
	if err != nil {
		return err
	}
	defer dir.Close()
	return syncDir(dir)
}

// make is make(path, parents, exist_ok).
func (d *Directory) make(t *starlark.Thread, name string, parents, existOK bool) error {
	if err := d.writable(); err != nil {
		return err
	}
	system, err := local(name)
	if err != nil {
		return err
	}
	return d.change(t, "make", name, func(_ context.Context, r *os.Root) (int64, error) {
		if dir := filepath.Dir(system); parents && dir != "." {
			if err := makeAll(r, dir); err != nil {
				return 0, err
			}
		}
		err := r.Mkdir(system, 0o777)
		if errors.Is(err, fs.ErrExist) && existOK {
			if info, err := r.Stat(system); err == nil && info.IsDir() {
				return 0, nil
			}
		}
		return 0, err
	})
}

// makeAll makes a directory and those above it that are not there.
func makeAll(r *os.Root, dir string) error {
	err := r.MkdirAll(dir, 0o777)
	if errors.Is(err, fs.ErrExist) {
		return &fs.PathError{Op: "mkdir", Path: dir, Err: syscall.ENOTDIR}
	}
	return err
}

// rename is rename(src, dst).
func (d *Directory) rename(t *starlark.Thread, src, dst string) error {
	if err := d.writable(); err != nil {
		return err
	}
	from, err := localFile(src)
	if err != nil {
		return err
	}
	to, err := localFile(dst)
	if err != nil {
		return err
	}
	return d.change(t, "rename", src, func(_ context.Context, r *os.Root) (int64, error) {
		if _, _, err := weigh(r, from); err != nil {
			return 0, err
		}
		err := d.usage.change(d.store, func() (int64, int, error) {
			bytes, files, err := weigh(r, to)
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return 0, 0, d.fault(dst, err)
			}
			if from == to {
				bytes, files = 0, 0
			}
			return -bytes, -files, r.Rename(from, to)
		})
		if err != nil {
			return 0, err
		}
		return 1, errors.Join(syncParent(r, from), syncParent(r, to))
	})
}
