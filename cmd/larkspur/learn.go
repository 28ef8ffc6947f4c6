package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/larkspur-web/larkspur/push"
	"github.com/spf13/cobra"
)

func newLearn(stdout, stderr io.Writer) *cobra.Command {
	s := settings{listen: []string{"http://127.0.0.1:8000"}, drain: 30 * time.Second}
	var output string
	var force bool
	c := &cobra.Command{
		Use:   "learn [flags] [APP]",
		Short: "Serve an application, and learn which resources go with which pages",
		Long: `Learn serves an application as serve does, and learns from what its clients ask for which
resources go with which pages: from the fields Referer and Sec-Fetch-Dest that browsers
send. When it is told to end it writes what it has learned, as a map for --push-map, to
be read, edited and committed. It keeps nothing about who asked.

What was used less than three times, or less than half as often as the resource of the
page that was used most, is left out.`,
		Example: "  larkspur push learn --output site.push blog.star\n" +
			"  larkspur serve --push-map site.push blog.star",
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if err := s.check(); err != nil {
				return err
			}
			if output != "" && !force && exists(output) {
				return runError{fmt.Errorf("%s is there already, perhaps edited: name another "+
					"--output, or use --force", output)}
			}
			app, err := needApp("push learn", args)
			if err != nil {
				return err
			}
			if s.https() && s.tlsCert == "" {
				return errors.New(
					"https needs a certificate: name it with --tls-cert and --tls-key")
			}
			logger := slog.New(slog.NewTextHandler(stderr, nil))
			v, err := s.site(app)
			if err != nil {
				return runError{err}
			}
			recorder := new(push.Recorder)
			v.Push.Recorder = recorder
			p := &process{server: s.server(logger), site: v, logger: logger, stderr: stderr}
			if err := p.open(); err != nil {
				return err
			}
			served := p.serve(c.Context())
			if err := writeMap(recorder.Map(), output, stdout); err != nil {
				return runError{err}
			}
			return served
		},
	}
	s.flags(c)
	c.Flags().StringVarP(&output, "output", "o", "",
		"`FILE` to write the map to (default standard output)")
	c.Flags().BoolVar(&force, "force", false, "replace FILE")
	return c
}

// writeMap writes a map to a file, or to stdout if that has no name.
func writeMap(m *push.Map, name string, stdout io.Writer) error {
	var text bytes.Buffer
	fmt.Fprintln(&text,
		"# What was learned about the pages. Read it, edit it: a pattern may have * and **.")
	if _, err := m.WriteTo(&text); err != nil {
		return err
	}
	if name == "" {
		_, err := stdout.Write(text.Bytes())
		return err
	}
	return os.WriteFile(name, text.Bytes(), 0o644)
}
