// Package watch reloads programs when their files change.
//
// # The model
//
// An event is a hint and nothing more. Any event under a directory that matters means "look again": the
// files of the program are read and their content is compared with what was loaded. So an editor's
// temporary files cost a look, a file system that bumps no times is no trouble, and an event that got
// lost is made up for by the look that is taken every few seconds without any.
//
// A change is loaded once it has stayed the same for a moment ([Settle]), because a file that is being
// written can be read half, and half a script may well be a script.
//
// Directories are watched, never files: an editor renames a new file over the old one, and the
// watch of the old one dies with it. Those are the directories of the program's files, also of those
// that are missing, and of every symlink on the way to one, so that a release that is swapped by
// a symlink (current -> r2, Kubernetes' ..data) is seen.
package watch

import (
	"context"
	"log/slog"
	"time"

	"github.com/fsnotify/fsnotify"
	"github.com/larkspur-web/larkspur/runtime"
)

const (
	// Settle is how long a change must stay the same before it is loaded.
	Settle = 75 * time.Millisecond
	// Poll is the time between looks that no event asked for: on network file systems, which send none, it
	// is how long a change may go unseen.
	Poll = 2 * time.Second

	interval = 25 * time.Millisecond // between looks while something changes
)

// A Target is a program and the directory that holds its tree.
type Target struct {
	Live *runtime.Live
	Dir  string
	// Changed, if not nil, is called after each attempt to load, with its error.
	Changed func(error)
}

// Run watches all targets, with one watcher, until ctx ends. Where the system has no watcher to give,
// looking every [Poll] takes its place. A generation that does not load is logged once, and the last
// good one serves on; one that loads is logged too. A nil logger means slog.Default().
func Run(ctx context.Context, logger *slog.Logger, targets ...Target) {
	if logger == nil {
		logger = slog.Default()
	}
	r := runner{logger: logger}
	for _, t := range targets {
		r.targets = append(r.targets, &target{Target: t})
	}
	w, err := fsnotify.NewWatcher()
	if err != nil {
		logger.LogAttrs(ctx, slog.LevelWarn, "no file events: looking for changes every "+Poll.String(), slog.Any("error", err))
	} else {
		defer w.Close()
		r.watcher = w
	}
	r.run(ctx)
}

// A target is a Target while it is watched.
type target struct {
	Target
	dirs  map[string]bool     // that are watched for it
	last  runtime.Fingerprint // what the last look saw
	since time.Time           // when it was first seen; zero if nothing is going on
}

// A runner owns the watcher. It lives on one goroutine.
type runner struct {
	logger  *slog.Logger
	watcher *fsnotify.Watcher // nil: there is none
	targets []*target
}

func (r *runner) run(ctx context.Context) {
	var events chan fsnotify.Event
	var errors chan error
	if r.watcher != nil {
		events, errors = r.watcher.Events, r.watcher.Errors
	}
	for _, t := range r.targets {
		r.follow(t)
		r.look(t) // something may have changed since it was loaded
	}
	poll := time.NewTicker(Poll)
	defer poll.Stop()
	soon := time.NewTimer(interval)
	defer soon.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case _, ok := <-events:
			if !ok {
				events = nil // polling goes on
				continue
			}
			soon.Reset(interval)
			r.drain(events)
		case err, ok := <-errors:
			if !ok {
				errors = nil
				continue
			}
			// An overflow among them: which events were lost does not matter to a look.
			r.logger.LogAttrs(ctx, slog.LevelDebug, "file events failed", slog.Any("error", err))
			soon.Reset(interval)
		case <-poll.C:
			if r.lookAll() {
				soon.Reset(interval)
			}
		case <-soon.C:
			if r.lookAll() {
				soon.Reset(interval)
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

// lookAll looks at all targets and reports whether one of them is changing.
func (r *runner) lookAll() bool {
	changing := false
	for _, t := range r.targets {
		r.follow(t)
		changing = r.look(t) || changing
	}
	return changing
}

// look takes a fingerprint, loads a change that has settled, and reports whether one has not.
func (r *runner) look(t *target) bool {
	now := t.Live.Look()
	if t.Live.Current(now) {
		t.since = time.Time{}
		return false
	}
	if t.since.IsZero() || !now.Same(t.last) {
		t.last, t.since = now, time.Now()
		return true
	}
	if time.Since(t.since) < Settle {
		return true
	}
	t.since = time.Time{}
	r.reload(t)
	return false
}

func (r *runner) reload(t *target) {
	began := time.Now()
	err := t.Live.Reload()
	status := t.Live.Status()
	if err != nil {
		r.logger.Error("reload failed, the last good version serves on", slog.Any("error", err), slog.Uint64("generation", status.Generation))
	} else {
		r.logger.Info("reloaded", slog.Uint64("generation", status.Generation), slog.Duration("time", time.Since(began)))
	}
	r.follow(t)
	if t.Changed != nil {
		t.Changed(err)
	}
}
