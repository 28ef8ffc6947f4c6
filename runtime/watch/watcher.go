package watch

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"github.com/fsnotify/fsnotify"
	"github.com/larkspur-web/larkspur/runtime"
)

// A Watcher watches targets that come and go while it runs, all with one watcher of the system,
// which has few to give. The zero value is ready. It is safe for concurrent use; a nil one has no
// targets. It must not be copied.
type Watcher struct {
	// Logger is told of each attempt to load. Nil means slog.Default().
	Logger *slog.Logger

	mu      sync.Mutex // guards what follows
	targets []*target
	changed chan struct{} // holds one if the targets are others than the last look knew
}

// Add has the target watched. A directory from which the program cannot have been loaded is an
// error: it would be watched, and no change of the program be seen.
func (w *Watcher) Add(t Target) error {
	if w == nil {
		return nil
	}
	if err := t.check(); err != nil {
		return err
	}
	w.change(func() { w.targets = append(w.targets, &target{Target: t}) })
	return nil
}

// Remove has the program be watched no longer. What is found out of it at the moment may still be
// told.
func (w *Watcher) Remove(l *runtime.Live) {
	if w == nil {
		return
	}
	w.change(func() {
		// A copy: Run may be looking at the slice.
		gone := func(t *target) bool { return t.Live == l }
		w.targets = slices.DeleteFunc(slices.Clone(w.targets), gone)
	})
}

// change changes the targets, and has Run look.
func (w *Watcher) change(f func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.start()
	f()
	select {
	case w.changed <- struct{}{}:
	default:
	}
}

// start makes what the zero value has not. w.mu is held.
func (w *Watcher) start() {
	if w.changed == nil {
		w.changed = make(chan struct{}, 1)
	}
}

// Run watches until ctx ends. Where the system has no watcher to give, looking every [Poll] takes
// its place. A generation that does not load is logged once, and the last good one serves on; one
// that loads is logged too.
func (w *Watcher) Run(ctx context.Context) {
	if w == nil {
		return
	}
	if ctx == nil {
		panic(errContext)
	}
	r := runner{logger: w.Logger, of: w}
	if r.logger == nil {
		r.logger = slog.Default()
	}
	w.mu.Lock()
	w.start()
	r.changed = w.changed
	w.mu.Unlock()
	system, err := fsnotify.NewWatcher()
	if err != nil {
		r.logger.LogAttrs(ctx, slog.LevelWarn,
			"no file events: looking for changes every "+Poll.String(), slog.Any("error", err))
	} else {
		defer system.Close()
		r.watcher = system
	}
	r.run(ctx)
}

// check returns what is wrong with the target's directory.
func (t *Target) check() error {
	if t.Live == nil {
		return errors.New("watch: the Target has no Live")
	}
	info, err := os.Stat(t.Dir)
	if err != nil {
		return fmt.Errorf("watch: %w", err)
	}
	if !info.IsDir() {
		return fmt.Errorf("watch: %s is no directory", t.Dir)
	}
	if t.Notice != nil && t.Others != nil {
		return nil // another process loads it, which may read other files there
	}
	// A file may be away for a moment, while another takes its place: from the tree too.
	for range 2 {
		if t.holds(t.Live.Scan()) {
			return nil
		}
	}
	return fmt.Errorf("watch: %s has no file of the program", t.Dir)
}

// holds reports whether the directory has one of the files that were read, if any were.
func (t *Target) holds(s *runtime.Scan) bool {
	read := 0
	for _, name := range s.Files() {
		if !s.Has(name) {
			continue
		}
		read++
		if _, err := os.Stat(filepath.Join(t.Dir, filepath.FromSlash(name))); err == nil {
			return true
		}
	}
	return read == 0
}
