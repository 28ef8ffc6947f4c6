package main

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"
)

func newServe(stderr io.Writer) *cobra.Command {
	s := settings{listen: []string{"http://127.0.0.1:8000"}, drain: 30 * time.Second}
	var access string
	var g grants
	c := &cobra.Command{
		Use:        "serve [flags] [APP]",
		Short:      "Serve an application",
		SuggestFor: []string{"run", "start", "server"},
		Long: `Serve serves an application over HTTP/1.1 and HTTP/2.

APP is FILE.star, FILE.star:CALLABLE, or a directory that holds app.star; without one
it is the current directory. The callable is app, or else application.

SIGHUP loads the script and the certificate again, and with --watch a script that
changed is loaded by itself; what does not load never replaces what serves. SIGTERM and
SIGINT end the server once the requests that were begun are answered; a second one
ends it at once.

An application reaches nothing outside of its directory but what --grant names, and what it
keeps in the directory that --data names: its databases (@sql), as DIR/NAME.db, its files
(@files), below DIR/files, and the secret that the cookies of @session are encrypted by,
which the environment variable LARKSPUR_SECRET may hold instead. Either may have several,
with blanks between them: the first encrypts, all decrypt. larkspur check lists what an
application asks for.

The environment variable GOMEMLIMIT, as in GOMEMLIMIT=512MiB, tells how much memory the
process should get by with. It is a soft limit: set it a tenth below a hard one. Without it
nine tenths of what the control group allows are it, as in a container that has a limit. When
what is held comes near it, requests wait or get 503, and the call that holds most ends. With
neither that nor GOGC set, up to 32 MiB of garbage is left before it is collected.`,
		Example: `  larkspur serve blog.star
  larkspur serve --listen http://:8080 --listen unix:/run/blog.sock --watch blog.star
  larkspur serve --data /var/lib/blog --grant fetch=api.example.com blog.star
  larkspur serve --listen https://:443 --tls-cert c.pem --tls-key k.pem blog.star:admin`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: completeApp,
		RunE: func(c *cobra.Command, args []string) error {
			if err := s.check(); err != nil {
				return err
			}
			if !slices.Contains([]string{"", "text", "json", "off"}, access) {
				return fmt.Errorf("--access-log %s: text, json or off", access)
			}
			app, err := needApp("serve", args)
			if err != nil {
				return err
			}
			if s.https() && s.tlsCert == "" {
				return fmt.Errorf("https needs a certificate: name it with --tls-cert and " +
					"--tls-key")
			}
			granted, err := g.set()
			if err != nil {
				return err
			}
			defer granted.Close()
			granted.To(app)
			grantSecret(app, serveSecret{g.data})
			log := newJournal(stderr)
			defer log.close()
			logger := slog.New(slog.NewTextHandler(log, nil))
			v, err := s.site(app)
			if err != nil {
				return runError{err}
			}
			if access == "" && isTerminal(stderr) {
				access = "text"
			}
			v.Access = accessLog(access, logger, log)
			p := &process{server: s.server(logger), site: v, logger: logger, log: log}
			return p.run(c.Context())
		},
	}
	s.flags(c)
	c.Flags().StringVar(&access, "access-log", "",
		"log each request as text or json, or off (default text in a terminal, else off)")
	g.flags(c)
	c.Flags().BoolVar(&s.watch, "watch", false, "load the script again when it changes")
	return c
}

// isTerminal reports whether w is one, where somebody looks.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// accessLog returns where requests are logged to in the form, nil for nowhere: as text that is
// where all else is.
func accessLog(form string, text *slog.Logger, log io.Writer) *slog.Logger {
	switch form {
	case "text":
		return text
	case "json":
		return slog.New(slog.NewJSONHandler(log, nil))
	}
	return nil
}
