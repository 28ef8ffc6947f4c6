package main

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/larkspur-web/larkspur/environ"
	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/display"
	"github.com/larkspur-web/larkspur/runtime/tee"
	"github.com/larkspur-web/larkspur/server"
	"github.com/larkspur-web/larkspur/server/dev"
	"github.com/spf13/cobra"
)

func newDev(stderr io.Writer) *cobra.Command {
	s := settings{listen: []string{"http://127.0.0.1:8000", "https://127.0.0.1:8443"}, watch: true, drain: 2 * time.Second}
	c := &cobra.Command{
		Use:   "dev [flags] [APP]",
		Short: "Develop an application: reload on save, errors in the browser",
		Long: `Dev serves an application to the one who writes it: a saved script serves at once, an
error shows where it is looked for, in the browser, and each request is a line in the
terminal. A page that is open follows what is saved: a script, a template or an image
loads it again, a style sheet is put in its place. The inspector, at /_larkspur/, lists
the last requests, asks them again and saves them as tests.

APP is FILE.star, FILE.star:CALLABLE, or a directory that holds app.star; without one
it is the current directory if that holds app.star, or else the tour that is built into
larkspur.

The certificate for https is made once, for localhost, and kept in the user's cache
directory; a browser asks once whether to trust it. To have it trust your own, name one
with --tls-cert and --tls-key.`,
		Example:           "  larkspur dev\n  larkspur dev blog.star\n  larkspur dev --listen http://127.0.0.1:0 blog.star",
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: completeApp,
		RunE: func(c *cobra.Command, args []string) error {
			if err := s.check(); err != nil {
				return err
			}
			app, err := findApp(args)
			if err != nil {
				return err
			}
			if app == nil {
				app = tour()
			}
			console := newConsole(stderr, app.excerpt)
			p, err := load(app, &s, slog.New(tee.New(console)))
			if err != nil {
				return err
			}
			if p.pair == nil && s.https() {
				dir, err := os.UserCacheDir()
				if err != nil {
					return runError{fmt.Errorf("keep a certificate: %w", err)}
				}
				if p.pair, err = devKeyPair(filepath.Join(dir, "larkspur"), time.Now()); err != nil {
					return runError{err}
				}
			}
			p.handler.Access = slog.New(console) // the inspector has a list of its own
			p.handler.Push.Observe = dev.Note
			p.develop = newDevelopment(p)
			return p.serve(c.Context(), stderr)
		},
	}
	s.flags(c)
	return c
}

// A development is what dev adds to a process.
type development struct {
	app   *application
	live  *runtime.Live
	pages *dev.Server
	shown *dev.App
	front http.Handler

	mu   sync.Mutex    // loads may be told of at once
	last *runtime.Scan // of what was loaded before
}

func newDevelopment(p *process) *development {
	d := &development{app: p.app, live: p.live, last: p.live.Scan(), pages: dev.New(version())}
	d.shown = d.pages.Develop(dev.Config{Tree: p.app.tree, Dir: p.app.dir, Entry: p.app.entry})
	p.handler.App = d.shown.Wrap(p.live, p.settings.mount, environ.Config{})
	p.handler.ErrorPage = d.pages.ErrorPage
	d.front = d.pages.Handler(p.handler)
	return d
}

// loaded tells the pages of an attempt to load the program again.
func (d *development) loaded(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := d.live.Scan()
	r := dev.Reload{Time: time.Now(), Generation: d.live.Status().Generation, Files: now.Changed(d.last)}
	d.last = now
	if err != nil {
		r.Diagnostics = runtime.Diagnose(d.app.entry, err)
	}
	d.shown.Reloaded(r)
}

// greet says what is developed, and where to look.
func (d *development) greet(w io.Writer, listeners []*server.Listener) {
	palette := display.PaletteOf(w)
	what := "the tour that is built in"
	if d.app.dir != "" {
		what = d.app.path(d.app.entry)
	}
	fmt.Fprintf(w, "%s %s\n", palette.In(display.Bold, "developing"), what)
	for _, l := range listeners {
		if strings.HasPrefix(l.URL, "http") {
			url := strings.TrimSuffix(l.URL, "/") + palette.In(display.Cyan, dev.Path)
			fmt.Fprintf(w, "%s  %s\n", palette.In(display.Bold, "inspector"), url)
			break
		}
	}
	fmt.Fprintf(w, "%s\n", palette.In(display.Faint, "save a file and the open page follows; Ctrl-C ends"))
}
