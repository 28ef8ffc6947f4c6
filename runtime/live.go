package runtime

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/larkspur-web/larkspur/runtime/host"
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
	closed bool
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
}

// A Fingerprint stands for the content of all files that a program is made of, those that are missing
// among them, and for the directory that they are in.
type Fingerprint struct {
	files   []string
	hashes  [][sha256.Size]byte // of the files
	content [sha256.Size]byte
	touched [sha256.Size]byte // when, and how large they were
	root    fileID
}

// Files are the files that the fingerprint was taken of, as paths in the tree. They are not to be changed.
func (a Fingerprint) Files() []string { return a.files }

// Differ returns those of a's files that b has not, or has with another content, and those that only b has.
func (a Fingerprint) Differ(b Fingerprint) []string {
	var names []string
	for i, name := range a.files {
		if j := slices.Index(b.files, name); j < 0 || a.hashes[i] != b.hashes[j] {
			names = append(names, name)
		}
	}
	for _, name := range b.files {
		if !slices.Contains(a.files, name) {
			names = append(names, name)
		}
	}
	return names
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

// Untouched reports whether the two are of the same content, and nothing was written between them that
// left it as it was.
func (a Fingerprint) Untouched(b Fingerprint) bool { return a.Same(b) && a.touched == b.touched }

// NewLive loads the program as [Load] does. The first generation must load.
func NewLive(c *Config, entry string) (*Live, error) {
	l := &Live{entry: entry, loader: newLoader(c)}
	l.status.Store(&Status{})
	if err := l.reload(); err != nil {
		return nil, err
	}
	return l, nil
}

var _ host.App = (*Live)(nil)

// Begin begins a request with the program that serves now: see [host.App].
func (l *Live) Begin() host.Run {
	for {
		p := l.program.Load()
		r := p.begin()
		// It may have been replaced, and its last request have ended, since it was looked up.
		if r.holds.Load() || p == l.program.Load() {
			return r
		}
	}
}

// Call is that of the program that serves now: see [Program.Call].
func (l *Live) Call(ctx context.Context, use host.Use) error {
	r := l.Begin()
	defer r.End()
	return r.Call(ctx, use)
}

// Close lets the program that serves go: see [Program.Close]. Later attempts to load fail.
func (l *Live) Close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	l.program.Load().Close()
}

// Program returns the generation that serves now.
func (l *Live) Program() *Program { return l.program.Load() }

// Generation is the number of the generation that serves now.
func (l *Live) Generation() uint64 { return l.status.Load().Generation }

// Status returns what became of the last attempt to load.
func (l *Live) Status() *Status { return l.status.Load() }

// ErrChanging is the error of a load that cannot tell what to load: the files change while they are read.
var ErrChanging = errors.New("runtime: the files are being changed")

// Reload loads a new generation and publishes it, if the files read otherwise than at the last attempt;
// else it returns that attempt's error. If the new one does not load, the old one goes on serving.
func (l *Live) Reload() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.reload()
}

func (l *Live) reload() error {
	err := ErrChanging
	for i := 0; i < tries && err == ErrChanging; i++ {
		err = l.take(l.look())
	}
	return err
}

// tries is how often a load starts over because a file changed under it.
const tries = 5

// Look returns a fingerprint of the files that the program would be made of now. It compiles what is
// new, to find the files that it loads, and runs nothing.
func (l *Live) Look() Fingerprint {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.look()
}

// Current reports whether p is what was loaded last, well or not.
func (l *Live) Current(p Fingerprint) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return p.Same(l.print)
}

// Take is Reload for exactly the content that p was taken of: if the files read otherwise by now, it
// publishes nothing and returns [ErrChanging]. Who has seen a content stay the same for a
// while can so be sure that it is no half of something.
func (l *Live) Take(p Fingerprint) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.take(p)
}

// take loads, and publishes what loaded. The lock is held, as it is in what follows.
func (l *Live) take(p Fingerprint) error {
	if l.closed {
		return ErrClosed
	}
	if p.Same(l.print) {
		return l.status.Load().Err
	}
	old := l.status.Load()
	program, files, err := l.loader.load(l.entry, old.Generation+1)
	if digest(files) != p.content {
		if program != nil {
			program.Close()
		}
		return ErrChanging
	}
	l.print = p
	s := &Status{Generation: old.Generation, Loaded: old.Loaded, Failures: old.Failures, Err: err}
	if err != nil {
		s.Failures++
	} else {
		s.Generation++
		s.Loaded = time.Now()
		program.generation.publish()
		if before := l.program.Swap(program); before != nil {
			defer before.Close() // when the status says so
		}
	}
	l.status.Store(s)
	return err
}

func (l *Live) look() Fingerprint {
	p := Fingerprint{content: digest(nil)}
	name, _, err := splitEntry(l.entry)
	if err != nil {
		return p // as load, which looks at no file either
	}
	fsys, err := snapshot(l.loader.config.FS)
	if err != nil {
		return p
	}
	g := l.loader.newGraph(fsys, name)
	g.survey()
	p.content = digest(g.files)
	touched := sha256.New()
	for _, f := range g.files {
		p.files, p.hashes = append(p.files, f.name), append(p.hashes, f.hash)
		if info, err := fs.Stat(fsys, f.name); err == nil {
			fmt.Fprintln(touched, f.name, info.ModTime().UnixNano(), info.Size())
		}
	}
	p.touched = [sha256.Size]byte(touched.Sum(nil))
	if _, ok := l.loader.config.FS.(dir); ok {
		p.root.info, _ = fs.Stat(fsys, ".") // without it, as for other trees, the content decides
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
