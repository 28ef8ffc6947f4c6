package runtime

import (
	"context"
	"crypto/sha256"
	"io/fs"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"go.starlark.net/starlark"
)

// A Live is a program that can be loaded again while it serves. The generation that serves is behind one
// atomic pointer: a call keeps the one that it began with, and a generation that does not load never
// replaces one that did. A Live is safe for concurrent use; it watches nothing itself (see
// package watch).
type Live struct {
	entry   string
	program atomic.Pointer[Program]
	status  atomic.Pointer[Status]

	mu     sync.Mutex // held while loading: it guards what follows
	loader *loader
	print  Fingerprint // of what was loaded last, well or not
	names  []file
}

// A Status is what became of the attempts to load a program. It is immutable.
type Status struct {
	// Generation counts the generations that served, the present one included.
	Generation uint64
	// Loaded is when the present generation was published.
	Loaded time.Time
	// Failures counts the attempts that failed, since the beginning.
	Failures uint64
	// Err is why the last attempt failed; nil if it did not.
	Err error
	// Files are the files of the last attempt, those that are missing among them, as paths in the tree.
	Files []string
}

// A Fingerprint is a fingerprint of all that a program is made of. Two that are equal read the same.
type Fingerprint struct {
	content [sha256.Size]byte
	root    fileID
}

// fileID tells the directory of a tree from another that has taken its name; nil for other trees.
type fileID struct{ info fs.FileInfo }

// Same reports whether two fingerprints are of the same content.
func (a Fingerprint) Same(b Fingerprint) bool {
	if a.content != b.content || (a.root.info == nil) != (b.root.info == nil) {
		return false
	}
	return a.root.info == nil || os.SameFile(a.root.info, b.root.info)
}

// NewLive loads the program as [Load] does. The first generation must load.
func NewLive(c *Config, entry string) (*Live, error) {
	l := &Live{entry: entry, loader: newLoader(c)}
	l.status.Store(&Status{})
	if err := l.load(); err != nil {
		return nil, err
	}
	return l, nil
}

// Call is that of the program that serves now: see [Program.Call].
func (l *Live) Call(ctx context.Context, use func(ctx context.Context, t *starlark.Thread, app starlark.Callable) error) error {
	return l.program.Load().Call(ctx, use)
}

// Program returns the generation that serves now.
func (l *Live) Program() *Program { return l.program.Load() }

// Status returns what became of the last attempt to load.
func (l *Live) Status() *Status { return l.status.Load() }

// Reload loads a new generation and publishes it, if the files read otherwise than at the last attempt;
// else it returns that attempt's error. If the new one does not load, the old one goes on serving.
func (l *Live) Reload() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.look().Same(l.print) {
		return l.status.Load().Err
	}
	return l.load()
}

// Look returns a fingerprint of the program's files as they are now.
func (l *Live) Look() Fingerprint {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.look()
}

// Current reports whether p is what was loaded last.
func (l *Live) Current(p Fingerprint) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return p.Same(l.print)
}

// tries is how often a load starts over because a file changed under it.
const tries = 3

// load loads and, if that went well, publishes. The lock is held.
func (l *Live) load() error {
	var p *Program
	var err error
	for range tries {
		p, l.names, err = l.loader.load(l.entry)
		l.print = l.look()
		if l.print.content == digest(l.names) {
			break
		}
	}
	old := l.status.Load()
	s := &Status{Generation: old.Generation, Loaded: old.Loaded, Failures: old.Failures, Err: err}
	for _, f := range l.names {
		s.Files = append(s.Files, f.name)
	}
	if err != nil {
		s.Failures++
	} else {
		s.Generation++
		s.Loaded = time.Now()
		l.program.Store(p)
	}
	l.status.Store(s)
	return err
}

// look takes the fingerprint of the files of the last attempt. The lock is held.
func (l *Live) look() Fingerprint {
	tree, err := snapshot(l.loader.config.FS)
	if err != nil {
		return Fingerprint{}
	}
	files := make([]file, len(l.names))
	for i, f := range l.names {
		files[i].name = f.name
		if src, err := l.loader.read(tree, f.name); err == nil {
			files[i].hash = sha256.Sum256(src)
		}
	}
	p := Fingerprint{content: digest(files)}
	if _, ok := l.loader.config.FS.(dir); ok {
		p.root.info, _ = fs.Stat(tree, ".")
	}
	return p
}

func digest(files []file) [sha256.Size]byte {
	h := sha256.New()
	for _, f := range files {
		h.Write([]byte(f.name))
		h.Write(f.hash[:])
	}
	return [sha256.Size]byte(h.Sum(nil))
}
