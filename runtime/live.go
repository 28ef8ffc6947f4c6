package runtime

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/larkspur-web/larkspur/runtime/host"
)

// A Live is a program that can be loaded again while it serves. The generation that serves is
// behind one atomic pointer: a call keeps the one that it began with, and a generation that does
// not load never replaces one that did. A Live is safe for concurrent use; it watches nothing
// itself (see package watch).
type Live struct {
	entry   string
	program atomic.Pointer[Program]
	status  atomic.Pointer[Status]

	mu     sync.Mutex // held while loading: it guards what follows
	loader *loader
	last   *Scan                 // of what was loaded last, well or not
	inputs map[host.Input]digest // of its modules
	// unready says that what was loaded last has loaded, and then was not ready.
	unready bool
	closed  bool
}

// A Status is what became of the attempts to load a program. It is immutable.
type Status struct {
	// Generation counts the generations that served, the present one included.
	Generation uint64
	// Loaded is when the present generation was published.
	Loaded time.Time
	// Content stands for the files that the present generation was loaded from: in any process it is
	// the same for the same content.
	Content string
	// Failures counts the attempts that failed, since the beginning.
	Failures uint64
	// Err is why the last attempt failed; nil if it did not.
	Err error
}

// NewLive loads the program as [Load] does. The first generation must load.
func NewLive(c *Config, entry string) (*Live, error) {
	l, err := Follow(c, entry)
	if err != nil {
		return nil, err
	}
	return l, nil
}

// Follow is [NewLive] for whoever shows what is wrong until it is put right: there is a Live even
// with an error, which says why the first generation does not load. Until one does, each call fails
// with that of the last attempt.
func Follow(c *Config, entry string) (*Live, error) {
	l := &Live{entry: entry, loader: newLoader(c)}
	l.status.Store(&Status{})
	return l, l.reload()
}

// Survey returns a Live that has loaded nothing: it is for [Live.Scan], by who has another process load
// the program.
func Survey(c *Config, entry string) *Live {
	l := &Live{entry: entry, loader: newLoader(c)}
	l.status.Store(&Status{})
	return l
}

var _ host.App = (*Live)(nil)

// Begin begins a request with the program that serves now: see [host.App].
func (l *Live) Begin() host.Run {
	if l == nil {
		return unloaded{errNil}
	}
	for {
		p := l.program.Load()
		if p == nil {
			return unloaded{&loadError{Diagnose(l.entry, l.status.Load().Err)}}
		}
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
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	if p := l.program.Load(); p != nil {
		p.Close()
	}
}

// A loadError is the error of a call of a program that does not load, with all that is wrong.
type loadError struct{ host.Diagnostics }

var _ host.Placer = (*loadError)(nil)

// Unwrap returns the diagnostics.
func (e *loadError) Unwrap() error { return e.Diagnostics }

// Place is [host.Placer]'s: the first one's.
func (e *loadError) Place() string { return e.Diagnostics[0].Place.String() }

// An unloaded is the run of a program no generation of which has loaded.
type unloaded struct{ err error }

func (u unloaded) Call(context.Context, host.Use) error    { return u.err }
func (u unloaded) CleanUp(context.Context, host.Use) error { return u.err }
func (u unloaded) Generation() uint64                      { return 0 }
func (u unloaded) End()                                    {}

// Program returns the generation that serves now; nil if none has loaded.
func (l *Live) Program() *Program { return l.program.Load() }

// Generation is the number of the generation that serves now.
func (l *Live) Generation() uint64 { return l.status.Load().Generation }

// Status returns what became of the last attempt to load.
func (l *Live) Status() *Status { return l.status.Load() }

// ErrChanging is the error of a load that cannot tell what to load: the files change while they are
// read.
var ErrChanging = errors.New("runtime: the files are being changed")

// Reload loads a new generation and publishes it, if the files read otherwise than at the last
// attempt; else it returns that attempt's error. If the new one does not load, the old one goes on
// serving. What has loaded, and then was not ready ([host.Load.OnReady]), is tried again with the same
// files: a database may be there now.
func (l *Live) Reload() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.unready {
		l.last = nil
	}
	return l.reload()
}

func (l *Live) reload() error {
	err := ErrChanging
	for i := 0; i < tries && err == ErrChanging; i++ {
		err = l.load(l.scan())
	}
	return err
}

// tries is how often a load starts over because a file changed under it.
const tries = 5

// load loads what was scanned, and publishes it if it loads. The lock is held.
func (l *Live) load(s *Scan) error {
	if l.closed {
		return ErrClosed
	}
	if s.Equal(l.last) {
		return l.status.Load().Err
	}
	old := l.status.Load()
	program, files, read, err := l.loader.load(l.entry, old.Generation+1)
	loaded, same := s.loaded(read)
	if digestFiles(files) != s.content || !same {
		if program != nil {
			program.Close()
		}
		return ErrChanging
	}
	l.last, l.inputs = loaded, read
	if err == nil {
		err = program.ready()
		l.unready = err != nil
	}
	if err != nil {
		now := *old
		now.Failures, now.Err = now.Failures+1, err
		l.status.Store(&now)
		return err
	}
	l.publish(program)
	return nil
}

// publish has calls begin with the program from now on, which is that of the last scan. The lock is
// held.
func (l *Live) publish(p *Program) {
	old := l.status.Load()
	p.generation.publish()
	before := l.program.Swap(p)
	l.status.Store(&Status{Generation: old.Generation + 1, Loaded: time.Now(), Content: l.last.id(),
		Failures: old.Failures})
	if before != nil {
		before.Close() // when the status says so
	}
}
