package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/larkspur-web/larkspur/environ/lib/session"
	"github.com/larkspur-web/larkspur/runtime/display"
	"github.com/larkspur-web/larkspur/server"
	"github.com/larkspur-web/larkspur/server/dev"
	"github.com/larkspur-web/larkspur/server/site"
	"github.com/larkspur-web/larkspur/server/site/grant"
	"github.com/larkspur-web/larkspur/server/site/sitefile"
	"github.com/spf13/cobra"
)

// newDevSettings are the defaults of dev.
func newDevSettings() *settings {
	return &settings{listen: []string{"http://127.0.0.1:8000", "https://127.0.0.1:8443"}, watch: true,
		drain: 2 * time.Second}
}

func newDev(stderr io.Writer) *cobra.Command {
	var s *settings
	var g *grants
	c := &cobra.Command{
		Use:        "dev [flags] [APP]",
		Short:      "Develop an application: reload on save, errors in the browser",
		SuggestFor: []string{"develop", "watch"},
		Long: `Dev serves an application to the one who writes it: a saved script serves at once, an
error shows where it is looked for, in the browser, and each request is a line in the
terminal. A page that is open follows what is saved: a script, a template or an image
loads it again, a style sheet is put in its place. The inspector, at /_larkspur/, lists
the last requests, asks them again and saves them as tests. Ctrl-C ends it, and so does the
end of its terminal.

APP is FILE.star, FILE.star:CALLABLE, or a directory that holds app.star; without one
it is the current directory if that holds app.star, or, where there is no script at all,
the tour that is built into larkspur. What does not load is shown in the browser until
it does.

A directory that holds site.star is a site, whose applications are developed together: those
of example.com are at example.com.localhost, and those of the first site at any other name.
What it says of listen, tls, log and workers is for serve.

Where no file has its name, APP may also be one that is built in:
` + builtInHelp() + `

The mock serves what ./mock.json describes, where that exists, else an example.

What the application keeps is in .larkspur below it, which git ignores and nothing serves:
databases (@sql), files (@files), state (@kv), the secret of sessions, which is made once. With --data
DIR it is there instead. Of one that is built in it is gone with the process, unless --data
says where to keep it. The mails that it sends (@mail) go nowhere, unless --grant names a
server: the inspector shows the last 100, which are kept in memory. All else outside is
reached only if --grant names it.

The certificate for https is made once, for localhost, and kept in the user's cache
directory; a browser asks once whether to trust it. To have it trust your own, name one
with --tls-cert and --tls-key.`,
		Example: "  larkspur dev\n" +
			"  larkspur dev httpbin\n" +
			"  larkspur dev blog.star\n" +
			"  larkspur dev --listen http://127.0.0.1:0 blog.star",
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: completeApp,
		RunE: func(c *cobra.Command, args []string) error {
			if err := s.check(); err != nil {
				return err
			}
			if file := siteFile(args); file != "" {
				return develop(c, s, file, stderr)
			}
			app, err := findApp(args)
			if err != nil {
				return err
			}
			if app == nil {
				if err := beside("dev"); err != nil {
					return err
				}
				app = tour()
			}
			log := newJournal(stderr)
			defer log.close()
			console := newConsole(log, excerpt(app))
			console.palette, console.ran = display.PaletteOf(stderr), dev.Source
			logger := slog.New(console)
			granted, end, err := g.develop(app, func() {
				logger.Info("what the application keeps ends with this process: it lies in no " +
					"directory, and --data names none")
			})
			if err != nil {
				return err
			}
			defer end()
			outbox(granted, logger)
			granted.To(app)
			grantSecret(app, devSecret{g.data, app.Dir, logger, session.Random()})
			v, err := s.site(app)
			if err != nil {
				return runError{err}
			}
			if v.Certificate == nil {
				if v.Certificate, err = s.localhost(); err != nil {
					return err
				}
			}
			v.Access = logger
			p := &process{server: s.server(logger), site: v, logger: logger, log: log,
				hangup: true}
			p.server.Develop, p.server.Software = true, version()
			p.greet = func(listeners []*server.Listener) {
				greet(log, console.palette, developed(app), listeners)
			}
			return p.run(c.Context())
		},
	}
	s, g = devFlags(c)
	return c
}

// localhost is the certificate of this machine, nil if no listener needs one.
func (s *settings) localhost() (*site.Certificate, error) {
	if !s.https() {
		return nil, nil
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return nil, runError{fmt.Errorf("keep a certificate: %w", err)}
	}
	c, err := site.Localhost(filepath.Join(dir, "larkspur"))
	if err != nil {
		return nil, runError{err}
	}
	return c, nil
}

// outbox has mails go nowhere, and says so.
func outbox(granted *grant.Set, logger *slog.Logger) {
	granted.Develop(func(to []string, subject string) {
		logger.Info("a mail is in the outbox, and was not sent: see "+dev.Path+"kept",
			slog.String("to", strings.Join(to, ", ")), slog.String("subject", subject))
	})
}

// develop develops a site file.
func develop(c *cobra.Command, s *settings, file string, stderr io.Writer) error {
	log := newJournal(stderr)
	defer log.close()
	console := newConsole(log, excerpt(site.Dir(filepath.Dir(file), filepath.Base(file))))
	console.palette, console.ran = display.PaletteOf(stderr), dev.Source
	logger := slog.New(console)
	said := make(map[string]bool)
	d := &developing{told: flagsOf(c), logger: logger, ready: func(g *grant.Set) { outbox(g, logger) },
		say: func(what string) {
			if !said[what] {
				said[what] = true
				logger.Info(what)
			}
		}}
	var err error
	if s.tlsCert == "" {
		if d.certificate, err = s.localhost(); err != nil {
			return err
		}
	}
	of := &sited{path: file, logger: logger}
	defer of.keeper.Close()
	of.build = func(_ context.Context, f *sitefile.File) (*site.Site, error) { return d.build(&of.keeper, f) }
	v, err := of.first(c.Context())
	if err != nil {
		return err
	}
	p := &process{server: s.server(logger), site: v, logger: logger, log: log, hangup: true, sited: of}
	p.server.Develop, p.server.Software = true, version()
	p.greet = func(listeners []*server.Listener) { greet(log, console.palette, file, listeners) }
	return p.run(c.Context())
}

// developed names what is developed.
func developed(app *site.Application) string {
	what := app.Path(app.Name())
	if _, is := app.FS.(described); is {
		what = "the mock that " + description + " describes"
	} else if app.Dir == "" {
		name := strings.TrimSuffix(app.Name(), ".star")
		what = "the " + strings.TrimSuffix(name, "/app") + " that is built in"
	}
	return what
}

// greet says what is developed, and where to look.
func greet(w io.Writer, palette display.Palette, what string, listeners []*server.Listener) {
	fmt.Fprintf(w, "%s %s\n", palette.In(display.Bold, "developing"), what)
	for _, l := range listeners {
		if strings.HasPrefix(l.URL, "http") {
			url := strings.TrimSuffix(l.URL, "/") + palette.In(display.Cyan, dev.Path)
			fmt.Fprintf(w, "%s  %s\n", palette.In(display.Bold, "inspector"), url)
			break
		}
	}
	fmt.Fprintf(w, "%s\n", palette.In(display.Faint,
		"save a file and the open page follows; Ctrl-C ends"))
}
