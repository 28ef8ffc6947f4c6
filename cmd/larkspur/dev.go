package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
)

func newDev(stderr io.Writer) *cobra.Command {
	s := settings{listen: []string{"http://127.0.0.1:8000", "https://127.0.0.1:8443"}, watch: true, drain: 2 * time.Second}
	c := &cobra.Command{
		Use:   "dev [flags] [APP]",
		Short: "Develop an application: reload on save, errors in the browser",
		Long: `Dev serves an application to the one who writes it: a saved script serves at once, an
error shows where it is looked for, in the browser, and each request is a line in the
terminal.

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
			logger := newLogger(stderr)
			p, err := load(app, &s, logger)
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
			pages := &pages{app: app, live: p.live, next: p.handler}
			p.handler.ErrorPage, p.handler.Access = pages.failed, logger
			p.front = pages
			return p.serve(c.Context(), stderr)
		},
	}
	s.flags(c)
	return c
}
