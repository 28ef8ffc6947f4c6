package files

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// A Grant is what @files is granted. The zero value grants no directory. It is made before it is
// used, not changed or copied from then on, and safe for concurrent use.
type Grant struct {
	// Dirs are the directories that are granted, by name.
	Dirs map[string]Dir
	// Below is a directory in which all other names are granted, each as a directory that may be
	// written to; it is made when something is first written to it, for its owner only, with those
	// above it. Empty grants no other names.
	Below string
	// Prepare is called before anything is first written below Below, to make what is above it as
	// it should be, or to say so. Nil does nothing.
	Prepare func() error
	// Limits bound each of the directories below it.
	Limits Limits
	// Advice says what grants a directory of that name, or lets it be written to: it ends a message.
	// Nil says grant files:NAME=DIR:rw.
	Advice func(name string) string

	mu        sync.Mutex
	stores    map[string]*store
	prepared  bool
	temporary bool // Below is made when it is first written to, and removed by Close
	closed    bool
}

// A Dir is a directory that is granted.
type Dir struct {
	Path string
	// Write lets files be written, renamed and removed.
	Write bool
	Limits
}

// Limits bound what may be written to a directory. The zero value of each is no bound. What is there
// already, and what others write to it, counts, but is not refused.
type Limits struct {
	File  int64 // bytes of one file
	Bytes int64 // bytes of all files together
	Files int   // how many files there may be
}

// Temporary returns a grant of all names, whose directories are made where the system keeps
// temporary files, when something is first written, and removed by Close.
func Temporary() *Grant { return &Grant{temporary: true} }

// Close ends the grant: its directories cannot be used any more, and if they are temporary they are
// removed. Files that are open can still be read.
func (g *Grant) Close() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return nil
	}
	g.closed = true
	if !g.temporary || g.Below == "" {
		return nil
	}
	if err := os.RemoveAll(g.Below); err != nil {
		return fmt.Errorf("files: close temporary directories: %w", err)
	}
	return nil
}

var _ host.Tester = (*Grant)(nil)

// Trial returns what tests get: for each name a directory below dir, which is empty when a test
// begins and may be written to, whatever of that name is granted to others.
func (*Grant) Trial(dir string) (*host.Trial, error) {
	own := &Grant{Below: dir}
	return &host.Trial{Grant: own, Begin: own.clear}, nil
}

// clear removes what was written.
func (g *Grant) clear() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.stores = nil
	entries, err := os.ReadDir(g.Below)
	if err != nil {
		return fmt.Errorf("files: clear for a test: %w", err)
	}
	for _, e := range entries {
		if err := os.RemoveAll(filepath.Join(g.Below, e.Name())); err != nil {
			return fmt.Errorf("files: clear for a test: %w", err)
		}
	}
	return nil
}

// advice is what follows a message about the directory name.
func (g *Grant) advice(name string) string {
	if g.Advice != nil {
		return g.Advice(name)
	}
	return "grant files:" + name + "=DIR:rw"
}

// maxName is how many characters the name of a directory has at most.
const maxName = 64

// named reports whether a directory can have the name.
func named(name string) bool {
	if name == "" || len(name) > maxName {
		return false
	}
	for _, c := range []byte(name) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_' && c != '-' {
			return false
		}
	}
	return true
}

// directory returns the one of that name.
func (g *Grant) directory(name string) (*Directory, error) {
	if !named(name) {
		return nil, &failure{kind: "name", text: fmt.Sprintf("%s is not the name of a directory: "+
			"write small letters, digits, - and _, %d at most", quoted(name), maxName)}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	s := g.stores[name]
	if s == nil {
		s = &store{grant: g, name: name}
		dir, listed := g.Dirs[name]
		switch {
		case listed:
			s.path, s.write, s.Limits = dir.Path, dir.Write, dir.Limits
		case g.Below != "" || g.temporary:
			s.below, s.write, s.Limits = true, true, g.Limits
		default:
			return nil, &failure{kind: "not_granted", text: fmt.Sprintf(
				"no directory %s is granted; %s", quoted(name), g.advice(name))}
		}
		if g.stores == nil {
			g.stores = make(map[string]*store)
		}
		g.stores[name] = s
	}
	return &Directory{Object: "directory", store: s}, nil
}

// A store is one directory, for all generations of a program.
type store struct {
	grant *Grant
	name  string
	path  string // "" for one below the grant's
	below bool
	write bool
	Limits
	usage usage
	swept swept
}

var errClosed = errors.New("files: the grant was closed")

// where returns the path of the directory. One that is to be made is made if something is to be
// written; else it may not be there.
func (s *store) where(write bool) (string, error) {
	g := s.grant
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case g.closed:
		return "", errClosed
	case !s.below:
		return s.path, nil
	case !write && g.Below == "":
		return "", fs.ErrNotExist
	case !write:
		return filepath.Join(g.Below, s.name), nil
	}
	if g.Prepare != nil && !g.prepared {
		if err := g.Prepare(); err != nil {
			return "", err
		}
	}
	g.prepared = true
	if g.Below == "" { // it is temporary
		dir, err := os.MkdirTemp("", "larkspur-files-*")
		if err != nil {
			return "", err
		}
		g.Below = dir
	}
	path := filepath.Join(g.Below, s.name)
	return path, os.MkdirAll(path, 0o700)
}

// open opens the directory as it is now, so that it may be moved and made anew while a program
// runs.
func (s *store) open(write bool) (*os.Root, error) {
	path, err := s.where(write)
	if err != nil {
		return nil, err
	}
	return os.OpenRoot(path)
}

// writable returns an error if nothing may be written.
func (s *store) writable() error {
	if s.write {
		return nil
	}
	return &failure{kind: "read_only", text: fmt.Sprintf(
		"the directory %s is granted to be read only; %s", quoted(s.name), s.grant.advice(s.name))}
}

func quoted(s string) string { return host.Cut(starlark.String(s).String()) }
