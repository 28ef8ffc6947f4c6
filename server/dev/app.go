package dev

import (
	"bytes"
	"context"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/larkspur-web/larkspur/environ"
	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/server"
	"github.com/larkspur-web/larkspur/server/dev/live"
	"github.com/larkspur-web/larkspur/server/dev/trace"
)

// A Config says what an application is made of. What is left zero is not shown.
type Config struct {
	// Tree holds the application's files, for the lines around an error.
	Tree fs.FS
	// Dir is where the tree lies, for names of files as the user would write them, and where
	// requests are saved as tests. Empty means that it lies nowhere, and nothing is saved.
	Dir string
	// Entry is FILE.star or FILE.star:CALLABLE. Empty means app.star.
	Entry string
	// Keepers have what the application keeps, by the names of the modules that do.
	Keepers map[string]host.Keeper
	// Describe says how a function of Go is called that messages call name, and what it does; ""
	// if that is not known. Loaded are the modules that the file loads which called it, without the
	// @. Nil describes none.
	Describe func(name string, loaded []string) (signature, doc string)
}

// An App is an application that is developed. A nil *App is one of which nothing is known.
type App struct {
	Config
	server     *Server
	generation atomic.Uint64    // that serves now
	overlay    *live.Overlay    // why the last change does not serve; the server's lock guards it
	unloaded   host.Diagnostics // why nothing serves; as well
}

// Develop has the server develop an application, until the App is closed.
func (s *Server) Develop(c Config) *App {
	if c.Entry == "" {
		c.Entry = "app.star"
	}
	a := &App{Config: c, server: s}
	a.generation.Store(1)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.apps = append(s.apps, a)
	return a
}

// Close ends the development. Requests that were kept stay.
func (a *App) Close() {
	s := a.server
	s.mu.Lock()
	s.apps = slices.DeleteFunc(s.apps, func(b *App) bool { return b == a })
	s.mu.Unlock()
	s.showOverlay()
}

// Wrap returns app, of which the App is told what becomes of its calls. It is mounted at path,
// and its environ is made as c says; both are for the inspector.
func (a *App) Wrap(app server.App, path string, c environ.Config) server.App {
	return &mounted{trace.Wrap(app, a.ended), a, path, &c}
}

// A mounted application is one as a handler calls it.
type mounted struct {
	server.App
	developed *App
	path      string
	environ   *environ.Config
}

// Begin begins a request, whose record learns by whom it is answered.
func (m *mounted) Begin() host.Run { return &run{m.App.Begin(), m} }

type run struct {
	host.Run
	mounted *mounted
}

// Developed tells the gateway to warn of what only matters once others use the application.
func (r *run) Developed() {}

func (r *run) Call(ctx context.Context, use host.Use) error {
	if rec := recordOf(ctx); rec != nil {
		rec.answeredBy(r.mounted, r.Run)
	}
	return r.Run.Call(ctx, use)
}

// ended is told of the end of each call of the application.
func (a *App) ended(ctx context.Context, steps uint64, err error) {
	if rec := recordOf(ctx); rec != nil {
		rec.called(steps)
		if err != nil && ctx.Err() == nil {
			rec.blame(a.explain(rec, err))
		}
	}
}

// Reloaded is told of each attempt to load the program again.
func (a *App) Reloaded(r Reload) {
	a.generation.Store(r.Generation)
	a.server.keep(r)
	var o *live.Overlay
	if len(r.Diagnostics) > 0 {
		o = &live.Overlay{
			Title: "The script does not load",
			Note:  "The last good version serves on. This goes away when the fix is saved.",
		}
		if r.Generation == 0 {
			o.Note = "Nothing serves yet. This goes away when the fix is saved."
		}
	} else {
		a.server.hub.Loaded(nil)
	}
	for _, d := range r.Diagnostics {
		item := live.Item{Place: a.named(d.Place), Message: d.Message, Lines: a.excerpt(nil, d.Place)}
		o.Items = append(o.Items, item)
	}
	a.server.mu.Lock()
	a.overlay, a.unloaded = o, nil
	if r.Generation == 0 {
		a.unloaded = r.Diagnostics
	}
	a.server.mu.Unlock()
	a.server.showOverlay()
}

// showOverlay shows over the pages what is wrong with the first application that does not load,
// if one does not.
func (s *Server) showOverlay() {
	s.mu.Lock()
	var o *live.Overlay
	for _, a := range s.apps {
		if o = a.overlay; o != nil {
			break
		}
	}
	s.mu.Unlock()
	if o != s.hub.State().Overlay {
		s.hub.Loaded(o)
	}
}

// Changed is told of other files of the tree that have changed: templates, style sheets, images.
// Tests change no page.
func (a *App) Changed(files []string) {
	test := func(name string) bool { return strings.HasSuffix(name, "_test.star") }
	files = slices.DeleteFunc(slices.Clone(files), test)
	if len(files) == 0 {
		return
	}
	a.server.keep(Reload{Time: time.Now(), Files: files, Other: true})
	a.server.hub.Changed(files)
}

// around is how many lines are shown before and after a place.
const around = 5

// excerpt reads the lines around a place from the script that ran for a request, or if there is
// none from the tree as it is now.
func (a *App) excerpt(rec *record, p host.Place) []host.Line {
	if a == nil {
		return nil
	}
	if text := rec.source(p.File); text != nil {
		return host.ExcerptFrom(bytes.NewReader(text), p, around)
	}
	return host.Excerpt(a.Tree, p, around)
}

// named is the place as the user would name it; "" if it is nowhere.
func (a *App) named(p host.Place) string {
	if p.File != "" {
		p.File = a.path(p.File)
	}
	return p.String()
}

// path is where a file of the tree lies, as the user would name it.
func (a *App) path(file string) string {
	if a == nil || a.Dir == "" {
		return file
	}
	return filepath.Join(a.Dir, filepath.FromSlash(file))
}
