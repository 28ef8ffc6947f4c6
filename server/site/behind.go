package site

import (
	"context"
	"log/slog"
	"net/http"
	"path"
	"slices"
	"time"

	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/server/dev"
)

// A Backend is a handler that has an application called in other processes, as a worker.Pool does.
type Backend interface {
	http.Handler
	// Generation is the number of the generation that answers, 0 before one has loaded.
	Generation() uint64
	// Start has the first generation loaded; Reload another one, and logs what came of it. An error
	// that wraps host.Diagnostics says what is wrong with the scripts.
	Start(context.Context) error
	Reload(context.Context) error
	// Files are those, and the directories, that the generation was loaded from, as paths in the tree.
	Files() []string
}

// startBehind has an application that is developed be loaded by a Backend. It is looked at here, to know
// when it has changed, and not run.
func (s *Server) startBehind(a *Application, b Backend) (*running, error) {
	live := runtime.Survey(a.Config(s.said()), a.Name())
	r := &running{app: a, live: live, logger: s.log, behind: b, shown: s.show(a), unfollow: func() {}, last: live.Scan()}
	if err := b.Start(context.Background()); err != nil {
		r.logger.Error("the script does not load; it is loaded again when it is saved", slog.Any("error", err))
		r.told(err, nil)
	}
	if a.Dir != "" {
		r.watcher = s.watcher
	}
	if err := r.watcher.Add(r.target()); err != nil {
		r.close()
		return nil, &LoadError{a, err}
	}
	return r, nil
}

// noticed has the application loaded again, if its scripts are others than those that were loaded.
func (r *running) noticed() {
	now := r.live.Scan()
	r.mu.Lock()
	same := now.Equal(r.last)
	r.mu.Unlock()
	if !same {
		_ = r.reloadBehind(now, nil) // what came of it is in the log
	}
}

// others is told of files that have changed and are no scripts: such as were read when the application
// was loaded have it loaded again, and any may be why it did not load.
func (r *running) others(files []string) {
	loaded := r.behind.Files()
	r.mu.Lock()
	broken := r.broken
	r.mu.Unlock()
	read := func(name string) bool {
		return broken || slices.Contains(loaded, name) || slices.Contains(loaded, path.Dir(name)) && path.Dir(name) != "."
	}
	if slices.ContainsFunc(files, read) {
		none := func(name string) bool { return !read(name) }
		_ = r.reloadBehind(r.live.Scan(), slices.DeleteFunc(slices.Clone(files), none)) // it is in the log
	}
	if rest := slices.DeleteFunc(slices.Clone(files), read); len(rest) > 0 {
		r.shown.Changed(rest)
	}
}

// reloadBehind has the application loaded again, whose scripts are as in a scan, because of them or of
// other files.
func (r *running) reloadBehind(now *runtime.Scan, files []string) error {
	err := r.behind.Reload(context.Background())
	r.mu.Lock()
	files = append(now.Changed(r.last), files...)
	r.last = now
	r.mu.Unlock()
	r.told(err, files)
	if err != nil {
		return &LoadError{r.app, err}
	}
	return nil
}

// told tells the pages of an attempt to load the application.
func (r *running) told(err error, files []string) {
	r.mu.Lock()
	r.broken = err != nil
	r.mu.Unlock()
	reload := dev.Reload{Time: time.Now(), Generation: r.behind.Generation(), Files: files}
	if err != nil {
		reload.Diagnostics = runtime.Diagnose(r.app.Name(), err)
	}
	r.shown.Reloaded(reload)
}
