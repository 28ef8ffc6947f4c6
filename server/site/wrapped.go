package site

import (
	"fmt"
	"io"
	"io/fs"
	"strconv"
	"strings"
	"time"

	"github.com/larkspur-web/larkspur/runtime"
)

// Wrap has middleware stand around the application, the outermost first: each is FILE.star:NAME, a
// function of the application's own tree that takes an application and returns one. An Entry that names
// no callable is taken to mean app. It has to be called before the application is in use.
func (a *Application) Wrap(middleware ...string) error {
	if len(middleware) == 0 {
		return nil
	}
	file, callable, named := strings.Cut(a.Name(), ".star:")
	if !named {
		file, callable = strings.TrimSuffix(file, ".star"), "app"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "load(%s, inner = %s)\n", strconv.Quote("//"+file+".star"), strconv.Quote(callable))
	made := "inner"
	for i := len(middleware) - 1; i >= 0; i-- {
		of, name, ok := strings.Cut(middleware[i], ".star:")
		if !ok || of == "" || name == "" {
			return fmt.Errorf("site: middleware %q: write FILE.star:NAME", middleware[i])
		}
		fmt.Fprintf(&b, "load(%s, around%d = %s)\n", strconv.Quote("//"+of+".star"), i, strconv.Quote(name))
		made = fmt.Sprintf("around%d(%s)", i, made)
	}
	fmt.Fprintf(&b, "app = %s\n", made)
	a.FS, a.Entry = wrapped{a.FS, b.String()}, wrappedEntry
	return nil
}

// wrappedEntry is the name of the script that puts middleware around an application. No file of a tree
// has it.
const wrappedEntry = "(site)/middleware.star"

// A wrapped tree is one with that script in it.
type wrapped struct {
	fs.FS
	script string
}

var _ runtime.Snapshotter = wrapped{}

// Open is fs.FS's.
func (w wrapped) Open(name string) (fs.File, error) {
	if name == wrappedEntry {
		return &scriptFile{*strings.NewReader(w.script)}, nil
	}
	return w.FS.Open(name)
}

// Stat is fs.StatFS's.
func (w wrapped) Stat(name string) (fs.FileInfo, error) {
	if name == wrappedEntry {
		return scriptInfo(len(w.script)), nil
	}
	return fs.Stat(w.FS, name)
}

// Snapshot is that of the tree, with the script.
func (w wrapped) Snapshot() (tree fs.FS, done func(), err error) {
	s, ok := w.FS.(runtime.Snapshotter)
	if !ok {
		return w, func() {}, nil
	}
	tree, done, err = s.Snapshot()
	return wrapped{tree, w.script}, done, err
}

// A scriptFile is the script as a file.
type scriptFile struct{ strings.Reader }

func (f *scriptFile) Stat() (fs.FileInfo, error) { return scriptInfo(f.Size()), nil }
func (f *scriptFile) Close() error               { return nil }

var _ io.ReadSeeker = (*scriptFile)(nil)

type scriptInfo int64

func (scriptInfo) Name() string       { return "middleware.star" }
func (i scriptInfo) Size() int64      { return int64(i) }
func (scriptInfo) Mode() fs.FileMode  { return 0o444 }
func (scriptInfo) ModTime() time.Time { return time.Time{} }
func (scriptInfo) IsDir() bool        { return false }
func (scriptInfo) Sys() any           { return nil }
