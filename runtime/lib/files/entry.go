package files

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// An Entry is a file or a directory, as entryType describes it.
type Entry struct {
	Name     string
	Path     string
	Size     int64
	Modified time.Time
	IsDir    bool
}

// The type of entries. It is not changed after it is made.
var entryType = &host.Type{
	Name: "Entry",
	Doc:  "A file or a directory as it was when it was looked at.",
	Members: []host.Member{
		{Name: "name", Doc: "The last element of its path."},
		{Name: "path", Doc: "Its path, as the other methods take it."},
		{Name: "size", Doc: "How many bytes a file has; 0 for a directory."},
		{Name: "modified", Doc: "When it was last written, a time of @time."},
		{Name: "is_dir", Doc: "Whether it is a directory."},
	},
}

func entryMembers() []host.Member {
	here := pathParam("of a directory")
	here.Default = starlark.String(".")
	return []host.Member{
		{
			Name: "list",
			Doc: "Returns the files and directories in a directory, in the order of their paths, " +
				"10,000 at most. What is neither is left out, and symlinks that lead nowhere or out.",
			Params: []host.Param{here, flag("recursive",
				"to return what is in its directories too; symlinks to directories are not entered",
				false)},
			Result: "a list of entries",
			Errors: []host.Failure{
				absent, {When: "there are more than 10,000 (kind size)"},
				{When: "it is a file (kind not_directory)"},
			},
			Example: `files.write("2026/may/b.txt", "later", parents = True)
[e.path for e in files.list("2026", recursive = True)]  # ["2026/may", "2026/may/b.txt"]
files.list("2026/may")[0].size  # 5`,
			Fn: (*Directory).list,
		},
		{
			Name: "stat", Doc: "Returns what a path leads to, None if it is neither a file nor a directory.",
			Params: []host.Param{pathParam("of a file or a directory")}, Result: "an entry or None",
			Errors:  []host.Failure{{When: "it is no path in the directory (kind outside or name)"}},
			Example: "files.stat(\"a.txt\").size  # 5\nfiles.stat(\"b.txt\")  # None",
			Fn:      (*Directory).stat,
		},
		{
			Name: "exists", Doc: "Reports whether a path leads to a file or a directory.",
			Params: []host.Param{pathParam("of a file or a directory")}, Result: "a bool",
			Errors:  []host.Failure{{When: "it is no path in the directory (kind outside or name)"}},
			Example: `files.exists("a.txt")  # True`,
			Fn: func(d *Directory, t *starlark.Thread, name string) (bool, error) {
				e, err := d.stat(t, name)
				return e != nil, err
			},
		},
	}
}

// stat returns what a path leads to, nil if that is nothing.
func (d *Directory) stat(t *starlark.Thread, name string) (entry *Entry, err error) {
	system, err := local(name)
	if err != nil {
		return nil, err
	}
	err = d.look(t, "stat", name, "", func(_ context.Context, r *os.Root) (int64, error) {
		info, err := r.Stat(system)
		if err == nil {
			entry = entryOf(name, info)
		}
		return 0, err
	})
	if k := host.KindOf(err); k == "not_found" || k == "not_directory" {
		return nil, nil
	}
	return entry, err
}

// entryOf is what a script sees of a file or a directory, nil for what is neither.
func entryOf(name string, info fs.FileInfo) *Entry {
	e := &Entry{Name: path.Base(name), Path: name, Modified: info.ModTime(), IsDir: info.IsDir()}
	switch {
	case e.IsDir:
	case info.Mode().IsRegular():
		e.Size = info.Size()
	default:
		return nil
	}
	return e
}

// list returns the entries of a directory.
func (d *Directory) list(t *starlark.Thread, name string, recursive bool) (all []Entry, err error) {
	system, err := local(name)
	if err != nil {
		return nil, err
	}
	err = d.look(t, "list", name, "entries", func(ctx context.Context, r *os.Root) (int64, error) {
		err := walk(ctx, r, system, func(at string, info fs.FileInfo, linked bool) (bool, error) {
			e := entryOf(at, info)
			if e == nil {
				return false, nil
			}
			if len(all) == maxEntries {
				return false, d.failed("size", name, nil, "has more than %d entries", maxEntries)
			}
			all = append(all, *e)
			return recursive && e.IsDir && !linked, nil
		})
		return int64(len(all)), err
	})
	if name == "." && d.below && host.KindOf(err) == "not_found" {
		return nil, nil // nothing has been written yet
	}
	slices.SortFunc(all, func(a, b Entry) int { return strings.Compare(a.Path, b.Path) })
	return all, err
}

// walk calls f for what is in a directory and can be named, and goes into the directories for which
// that returns true. linked says that it is behind a symlink.
func walk(
	ctx context.Context, r *os.Root, dir string,
	f func(name string, info fs.FileInfo, linked bool) (enter bool, err error),
) error {
	for left := []string{dir}; len(left) > 0; {
		at := left[len(left)-1]
		left = left[:len(left)-1]
		err := names(ctx, r, at, func(name string) error {
			name = path.Join(at, name)
			info, err := r.Lstat(name)
			linked := err == nil && info.Mode().Type() == fs.ModeSymlink
			if linked {
				info, err = r.Stat(name)
			}
			if err != nil {
				return nil // it has gone, or leads nowhere, or out
			}
			enter, err := f(name, info, linked)
			if enter {
				left = append(left, name)
			}
			return err
		})
		if err != nil && (at == dir || !errors.Is(err, fs.ErrNotExist)) {
			return err
		}
	}
	return nil
}

// names calls f for each name in a directory that a script can say.
func names(ctx context.Context, r *os.Root, at string, f func(name string) error) error {
	dir, err := openDir(r, at)
	if err != nil {
		return err
	}
	defer dir.Close()
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		some, err := dir.Readdirnames(256)
		for _, name := range some {
			if !sayable(name) {
				continue
			}
			if err := f(name); err != nil {
				return err
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
