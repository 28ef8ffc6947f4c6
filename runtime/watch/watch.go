// Package watch reloads programs when their files change.
//
// # The model
//
// An event is a hint and nothing more. Any event under a directory that matters means "look again":
// the files of the program are read and their content is compared with what was loaded. So an
// editor's temporary files cost a look, a file system that bumps no times is no trouble, and an
// event that got lost is made up for by the look that is taken every few seconds without any.
//
// A change is loaded once it has stayed the same for a moment ([Settle]), because a file that is
// being written can be read half, and half a script may well be a script. Where the system tells
// (Linux), a file that is open for writing is not taken for whole ([Open]). What is loaded is
// exactly what was looked at, or nothing.
//
// Directories are watched, never files: an editor renames a new file over the old one, and the
// watch of the old one dies with it. Those are the directories of the program's files, also of
// those that are missing, and of every symlink on the way to one, so that a release that is swapped
// by a symlink (current -> r2, Kubernetes' ..data) is seen.
package watch

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"slices"
	"time"

	"github.com/fsnotify/fsnotify"
	"github.com/larkspur-web/larkspur/runtime"
)

const (
	// Settle is how long a change must stay the same before it is loaded.
	Settle = 75 * time.Millisecond
	// Open is how long a change waits, from its last one on, for who has one of the files open to
	// write.
	Open = 2 * time.Second
	// Poll is the time between looks that no event asked for: on network file systems, which send
	// none, it is how long a change may go unseen.
	Poll = 2 * time.Second

	interval = 25 * time.Millisecond // between looks while something changes
)

// A Target is a program and the directory that holds its tree.
type Target struct {
	Live *runtime.Live
	Dir  string
	// Notice, if not nil, is called when a change has settled, once for each, and nothing is loaded:
	// whoever is told starts another process that loads it, say.
	Notice func()
	// Changed, if not nil, is called after each attempt to load, with its error.
	Changed func(error)
	// Others, if not nil, is called with the paths of other files of the tree that have changed,
	// each once it has settled: templates, style sheets, images. Those of editors and what an
	// application writes (logs, databases) do not count, nor does what is below a directory whose
	// name begins with a dot, nor what comes after the first 20,000 entries. A file that somebody
	// has open to write has not settled, for as long as that may be: it is a log. Nor does what
	// this process itself writes count, as its standard output and error.
	Others func(files []string)
}

// Run watches all targets, with one watcher, until ctx ends: see [Watcher.Run]. The error is that
// of a target whose directory is wrong; nothing is watched then. A nil logger means slog.Default().
func Run(ctx context.Context, logger *slog.Logger, targets ...Target) error {
	if ctx == nil {
		return errContext
	}
	w := &Watcher{Logger: logger}
	for _, t := range targets {
		if err := w.Add(t); err != nil {
			return err
		}
	}
	w.Run(ctx)
	return nil
}

var errContext = errors.New("watch: nil context.Context: context.Background() never ends")

// A target is a Target while it is watched.
type target struct {
	Target
	dirs    map[string]bool // that are watched for it
	last    *runtime.Scan   // what the last look saw
	since   time.Time       // when it was first seen so, or last seen open to be written; or zero
	changed time.Time       // when it was first seen so
	noticed *runtime.Scan   // that Notice was called for; or nil

	others others
}

// A runner owns the system's watcher. It lives on one goroutine.
type runner struct {
	logger  *slog.Logger
	watcher *fsnotify.Watcher // nil: there is none
	targets []*target
	of      *Watcher        // that says which targets there are; nil if they stay
	changed <-chan struct{} // of the Watcher
}

func (r *runner) run(ctx context.Context) {
	var events chan fsnotify.Event
	var errors chan error
	if r.watcher != nil {
		events, errors = r.watcher.Events, r.watcher.Errors
	}
	poll := time.NewTicker(Poll)
	defer poll.Stop()
	look := time.NewTimer(0) // something may have changed since the programs were loaded
	defer look.Stop()
	asked := true // the timer runs, and what asks for a look meanwhile must not put it off
	took := time.Duration(0)
	ask := func() {
		if !asked {
			asked = true
			look.Reset(max(interval, 4*took)) // a file that grows all the time takes no core
		}
	}
	for {
		select {
		case <-ctx.Done():
			return
		case _, ok := <-events:
			if !ok {
				events = nil // polling goes on
				continue
			}
			r.drain(events)
			ask()
		case err, ok := <-errors:
			if !ok {
				errors = nil
				continue
			}
			// An overflow among them: which events were lost does not matter to a look.
			r.logger.LogAttrs(ctx, slog.LevelDebug, "file events failed", slog.Any("error", err))
			ask()
		case <-poll.C:
			ask()
		case <-r.changed:
			ask()
		case <-look.C:
			asked = false
			began := time.Now()
			again := r.lookAll()
			if took = time.Since(began); again {
				ask()
			}
		}
	}
}

// drain takes the events that are there already: a hundred are one reason to look.
func (r *runner) drain(events chan fsnotify.Event) {
	for {
		select {
		case <-events:
		default:
			return
		}
	}
}

// lookAll looks at all targets and reports whether one of them wants another look.
func (r *runner) lookAll() bool {
	again := false
	if r.of != nil {
		r.update()
	}
	for _, t := range r.targets {
		again = r.look(t) || again
	}
	return again
}

// update takes up which targets there are, and has what only others needed be watched no longer.
func (r *runner) update() {
	r.of.mu.Lock()
	targets := r.of.targets
	r.of.mu.Unlock()
	old := r.targets
	r.targets = targets
	for _, t := range old {
		if !slices.Contains(targets, t) {
			r.leave(t, nil)
		}
	}
}

// look scans the files and loads a change that has settled. It reports whether one has not, or
// something may have changed unseen.
func (r *runner) look(t *target) bool {
	now := t.Live.Scan()
	unseen := r.lookOthers(t, now.Files())
	unseen = r.follow(t, now.Files()) || unseen
	if now.Loaded() {
		t.since = time.Time{}
		return unseen
	}
	if t.since.IsZero() || !now.Settled(t.last) {
		t.last, t.since, t.changed = now, time.Now(), time.Now()
		return true
	}
	if time.Since(t.changed) < Open && t.written(now.Files()) {
		t.since = time.Now() // it settles from when the writer has let go
		return true
	}
	if time.Since(t.since) < Settle {
		return true
	}
	t.since = time.Time{}
	if t.Notice != nil {
		if !now.Settled(t.noticed) {
			t.noticed = now
			t.Notice()
		}
		return unseen
	}
	r.load(t, now)
	return true
}

// written reports whether one of the files is open to be written, as far as that can be known.
func (t *target) written(files []string) bool {
	for _, name := range files {
		if openForWriting(filepath.Join(t.Dir, filepath.FromSlash(name))) {
			return true
		}
	}
	return false
}

// load loads what was looked at, if the files still read like that.
func (r *runner) load(t *target, now *runtime.Scan) {
	began := time.Now()
	err := now.Load()
	if err == runtime.ErrChanging || err == runtime.ErrClosed {
		return // the next look sees what it has become; or it was closed, and not yet removed
	}
	generation := slog.Uint64("generation", t.Live.Status().Generation)
	if err != nil {
		r.logger.Error("reload failed, the last good version serves on",
			slog.Any("error", err), generation)
	} else {
		r.logger.Info("reloaded", generation, slog.Duration("time", time.Since(began)))
	}
	if t.Changed != nil {
		t.Changed(err)
	}
}
