package watch

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/fsnotify/fsnotify"
)

// Tree calls run now, and again whenever a file below dir has changed (its size, its time, its
// name) and stayed so for [Settle], until ctx ends. It is for what is not a program alone: all
// files count but those that skip reports, and those in directories whose names begin with a dot,
// or node_modules. A nil logger means slog.Default().
func Tree(ctx context.Context, logger *slog.Logger, dir string, skip func(path string) bool, run func()) error {
	if ctx == nil {
		return errContext
	}
	if logger == nil {
		logger = slog.Default()
	}
	t := tree{dir: dir, skip: skip}
	if w, err := fsnotify.NewWatcher(); err != nil {
		logger.LogAttrs(ctx, slog.LevelWarn, "no file events: looking for changes every "+Poll.String(), slog.Any("error", err))
	} else {
		defer w.Close()
		t.watcher = w
	}
	for {
		before := t.look() // a change while it runs is one for the next time
		run()
		if !t.wait(ctx, before) {
			return nil
		}
	}
}

// A tree is a directory while it is watched.
type tree struct {
	dir     string
	skip    func(string) bool
	watcher *fsnotify.Watcher // nil: there is none
}

// wait waits until the tree is another than it was and has settled. It reports false if ctx ended.
func (t *tree) wait(ctx context.Context, before [sha256.Size]byte) bool {
	var events chan fsnotify.Event
	var errors chan error
	if t.watcher != nil {
		events, errors = t.watcher.Events, t.watcher.Errors
	}
	poll := time.NewTicker(Poll)
	defer poll.Stop()
	look := time.NewTimer(0) // something may have changed while it ran
	defer look.Stop()
	last := before
	for {
		select {
		case <-ctx.Done():
			return false
		case <-events:
			look.Reset(Settle) // from the last event on
		case <-errors: // an overflow among them
			look.Reset(Settle)
		case <-poll.C:
			look.Reset(0)
		case <-look.C:
			now := t.look()
			if now != before && now == last {
				return true
			}
			if now != last {
				last = now
				look.Reset(Settle)
			}
		}
	}
}

// look returns a fingerprint of the tree, and has all of its directories watched.
func (t *tree) look() [sha256.Size]byte {
	h := sha256.New()
	_ = filepath.WalkDir(t.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return nil // it went away, or is not ours to read: the rest counts
		}
		name := d.Name()
		if d.IsDir() {
			if path != t.dir && (name[0] == '.' || name == "node_modules") {
				return fs.SkipDir
			}
			if t.watcher != nil {
				_ = t.watcher.Add(path) // polling sees to it
			}
			return nil
		}
		if abs, err := filepath.Abs(path); err != nil || t.skip(abs) {
			return nil
		}
		if info, err := d.Info(); err == nil {
			fmt.Fprintln(h, path, info.ModTime().UnixNano(), info.Size())
		}
		return nil
	})
	return [sha256.Size]byte(h.Sum(nil))
}
