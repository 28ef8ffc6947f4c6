package deploy

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/larkspur-web/larkspur/runtime/host"
)

// What a tree has at most.
const (
	MaxFiles = 10000     // files, and directories
	MaxSize  = 128 << 20 // bytes of all of them
	maxName  = 512       // bytes of the path of one
)

// A Tree is all files of an application, in memory. It is an immutable fs.FS, whose files have no
// times.
type Tree struct {
	files  map[string][]byte
	dirs   map[string][]fs.DirEntry // by name, sorted; "." is the root
	size   int64
	digest string
}

var (
	_ fs.ReadFileFS = (*Tree)(nil)
	_ fs.StatFS     = (*Tree)(nil)
	_ fs.ReadDirFS  = (*Tree)(nil)
)

// Digest is that of the names and contents, in hexadecimal.
func (t *Tree) Digest() string { return t.digest }

// Files is how many there are.
func (t *Tree) Files() int { return len(t.files) }

// Size is how many bytes the files have together.
func (t *Tree) Size() int64 { return t.size }

// admit returns an error if the tree cannot have one more file of the name.
func (t *Tree) admit(name string) error {
	shown := host.Cut(name)
	switch {
	case !fs.ValidPath(name), name == ".", strings.ContainsAny(name, "\\:\x00"):
		return fmt.Errorf("%q is no path of a file in a tree", shown)
	case len(name) > maxName:
		return fmt.Errorf("%q: a path has %d bytes at most", shown, maxName)
	case t.files[name] != nil:
		return fmt.Errorf("%q is there twice", shown)
	case len(t.files) >= MaxFiles:
		return fmt.Errorf("there are more than %d files", MaxFiles)
	}
	return nil
}

// hidden reports whether a path leads through a name that begins with a dot: what tools and version control
// keep, and no server gives.
func hidden(name string) bool {
	return name != "." && (name[0] == '.' || strings.Contains(name, "/."))
}

// read reads a file of the tree that is being made, to the bound of all.
func (t *Tree) read(name string, r io.Reader) error {
	content, err := io.ReadAll(io.LimitReader(r, MaxSize-t.size+1))
	if err != nil {
		return fmt.Errorf("%s: %w", host.Cut(name), err)
	}
	if t.size+int64(len(content)) > MaxSize {
		return fmt.Errorf("the files have more than %d MiB together", MaxSize>>20)
	}
	if t.files == nil {
		t.files = make(map[string][]byte)
	}
	t.files[name] = slices.Clip(content)
	t.size += int64(len(content))
	return nil
}

// seal finds the directories and the digest.
func (t *Tree) seal() error {
	if _, ok := t.files["app.star"]; !ok {
		return fmt.Errorf("there is no app.star at the root of the tree")
	}
	t.dirs = map[string][]fs.DirEntry{".": nil}
	h := sha256.New()
	for _, name := range t.names() {
		sum := sha256.Sum256(t.files[name])
		fmt.Fprintf(h, "%q %x\n", name, sum)
		entry := fs.FileInfoToDirEntry(info{path.Base(name), int64(len(t.files[name]))})
		for dir := path.Dir(name); ; dir = path.Dir(dir) {
			_, known := t.dirs[dir]
			if _, file := t.files[dir]; file {
				return fmt.Errorf("%q is a file and a directory", host.Cut(dir))
			}
			if t.dirs[dir] = append(t.dirs[dir], entry); len(t.dirs) > MaxFiles {
				return fmt.Errorf("there are more than %d directories", MaxFiles)
			}
			if known {
				break
			}
			entry = fs.FileInfoToDirEntry(info{path.Base(dir), -1})
		}
	}
	for _, entries := range t.dirs {
		slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	}
	t.digest = hex.EncodeToString(h.Sum(nil))
	return nil
}

// names are those of all files, sorted.
func (t *Tree) names() []string {
	names := make([]string, 0, len(t.files))
	for name := range t.files {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Open opens a file, which is an io.Seeker, or a directory.
func (t *Tree) Open(name string) (fs.File, error) {
	i, err := t.find("open", name)
	switch {
	case err != nil:
		return nil, err
	case i.IsDir():
		return &openedDir{info: i, left: t.dirs[name]}, nil
	}
	return &openedFile{Reader: bytes.NewReader(t.files[name]), info: i}, nil
}

// Stat describes a file or a directory.
func (t *Tree) Stat(name string) (fs.FileInfo, error) {
	i, err := t.find("stat", name)
	if err != nil {
		return nil, err
	}
	return i, nil
}

// ReadFile returns a copy of what a file has.
func (t *Tree) ReadFile(name string) ([]byte, error) {
	i, err := t.find("read", name)
	if err == nil && i.IsDir() {
		err = &fs.PathError{Op: "read", Path: name, Err: fs.ErrInvalid}
	}
	if err != nil {
		return nil, err
	}
	return bytes.Clone(t.files[name]), nil
}

// ReadDir returns what is in a directory, sorted.
func (t *Tree) ReadDir(name string) ([]fs.DirEntry, error) {
	i, err := t.find("readdir", name)
	if err == nil && !i.IsDir() {
		err = &fs.PathError{Op: "readdir", Path: name, Err: fs.ErrInvalid}
	}
	if err != nil {
		return nil, err
	}
	return slices.Clone(t.dirs[name]), nil
}

func (t *Tree) find(op, name string) (info, error) {
	if !fs.ValidPath(name) {
		return info{}, &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
	}
	if content, ok := t.files[name]; ok {
		return info{path.Base(name), int64(len(content))}, nil
	}
	if _, ok := t.dirs[name]; ok {
		return info{path.Base(name), -1}, nil
	}
	return info{}, &fs.PathError{Op: op, Path: name, Err: fs.ErrNotExist}
}

// An info describes a file, or a directory, whose size is -1.
type info struct {
	name string
	size int64
}

func (i info) Name() string       { return i.name }
func (i info) Size() int64        { return max(i.size, 0) }
func (i info) IsDir() bool        { return i.size < 0 }
func (i info) ModTime() time.Time { return time.Time{} }
func (i info) Sys() any           { return nil }
func (i info) Mode() fs.FileMode {
	if i.IsDir() {
		return fs.ModeDir | 0o555
	}
	return 0o444
}

type openedFile struct {
	*bytes.Reader
	info info
}

func (f *openedFile) Stat() (fs.FileInfo, error) { return f.info, nil }
func (f *openedFile) Close() error               { return nil }

type openedDir struct {
	info info
	left []fs.DirEntry
}

func (d *openedDir) Stat() (fs.FileInfo, error) { return d.info, nil }
func (d *openedDir) Close() error               { return nil }
func (d *openedDir) Read([]byte) (int, error) {
	return 0, &fs.PathError{Op: "read", Path: d.info.name, Err: fs.ErrInvalid}
}

func (d *openedDir) ReadDir(n int) ([]fs.DirEntry, error) {
	if n <= 0 || n > len(d.left) {
		if n > 0 && len(d.left) == 0 {
			return nil, io.EOF
		}
		n = len(d.left)
	}
	some := slices.Clone(d.left[:n])
	d.left = d.left[n:]
	return some, nil
}
