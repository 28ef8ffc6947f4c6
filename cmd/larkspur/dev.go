package main

import (
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
	"github.com/larkspur-web/larkspur/server/worker"
	"github.com/spf13/cobra"
)

// developing are the flags of dev.
type developing struct {
	settings
	grants
	crew
	counter site.Counter
}

func (d *developing) flags(c *cobra.Command) {
	d.settings = settings{listen: []string{"http://127.0.0.1:8000", "https://127.0.0.1:8443"}, watch: true,
		drain: 2 * time.Second}
	d.settings.flags(c)
	d.grants.flags(c)
	d.crew.flags(c)
}

func newDev(stderr io.Writer) *cobra.Command {
	var d developing
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
server: the inspector shows the last 100, which are kept in memory. It may see the numbers of
the server (@stats). All else outside is
reached only if --grant names it.

With --workers the application answers in processes of its own, confined as those of serve are,
and the page of an error says of what one has died.

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
			if err := d.settings.check(); err != nil {
				return err
			}
			if err := d.crew.check(c); err != nil {
				return err
			}
			if file := siteFile(args); file != "" {
				return developSite(c, &d.settings, file, stderr)
			}
			app, err := developed(args)
			if err != nil {
				return err
			}
			log := newJournal(stderr)
			defer log.close()
			console := newConsole(log, excerpt(app))
			console.palette, console.ran = display.PaletteOf(stderr), dev.Source
			logger := slog.New(console)
			granted, end, err := d.grant(app, logger)
			if err != nil {
				return err
			}
			defer end()
			v, err := d.settings.site(app)
			if err != nil {
				return runError{err}
			}
			if v.Certificate == nil {
				if v.Certificate, err = d.localhost(); err != nil {
					return err
				}
			}
			v.Access = logger
			if d.workers > 0 {
				if app.Dir != "" && d.data == "" { // where workers keep what there is
					if err := granted.SQL.Prepare(); err != nil {
						return runError{err}
					}
				}
				if err := d.foresee(app, granted); err != nil {
					return runError{err}
				}
				told := command{Dev: true, Flags: flagsOf(c), Args: args}
				if app.Dir == "" && d.data == "" { // all of them keep what there is where this process does
					if len(granted.Asks(app)) > 0 {
						logger.Info(gone)
					}
					told.Flags = append(told.Flags, "--data="+granted.SQL.Dir)
				}
				pool := d.pool(told, app, granted, &d.settings, logger)
				pool.Noted = noted(granted)
				defer pool.Close()
				v.Mounts[0].Handler = pool
			}
			p := &process{server: d.server(logger), site: v, logger: logger, log: log,
				hangup: true}
			p.server.Develop, p.server.Software = true, version()
			d.counter.Attach(p.server)
			p.greet = func(listeners []*server.Listener) {
				greet(log, console.palette, subject(app), listeners)
			}
			return p.run(c.Context())
		},
	}
	d.flags(c)
	return c
}

// developed returns the application that the arguments name: the tour if they name none and there is no
// script.
func developed(args []string) (*site.Application, error) {
	app, err := findApp(args)
	if app != nil || err != nil {
		return app, err
	}
	if err := beside("dev"); err != nil {
		return nil, err
	}
	return tour(), nil
}

// gone is said of an application that is built in.
const gone = "what the application keeps ends with this process: it lies in no directory, and --data names none"

// grant grants the application what the flags say, and what dev does beside. The function ends what was
// opened.
func (d *developing) grant(app *site.Application, logger *slog.Logger) (*grant.Set, func(), error) {
	granted, end, err := d.develop(app, func() {
		logger.Info(gone)
	})
	if err != nil {
		return nil, nil, err
	}
	outbox(granted, logger)
	granted.Stats.Read = d.counter.Numbers
	granted.To(app)
	grantSecret(app, devSecret{d.data, app.Dir, logger, session.Random()})
	return granted, end, nil
}

// application is that of a worker.
func (d *developing) application(args []string) (*worker.Application, error) {
	app, err := developed(args)
	if err != nil {
		return nil, err
	}
	granted, _, err := d.grant(app, slog.Default())
	if err != nil {
		return nil, err
	}
	return d.answer(app, granted, &d.settings, &site.Server{Develop: true})
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

// subject names what is developed.
func subject(app *site.Application) string {
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
