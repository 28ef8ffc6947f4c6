package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/larkspur-web/larkspur/environ/lib/session"
	"github.com/larkspur-web/larkspur/push"
	"github.com/spf13/cobra"
)

func newLearn(stdout, stderr io.Writer) *cobra.Command {
	var g grants
	s := settings{listen: []string{"http://127.0.0.1:8000"}, drain: 30 * time.Second}
	var output string
	var force bool
	c := &cobra.Command{
		Use:   "learn [flags] [APP]",
		Short: "Serve an application, and learn which resources go with which pages",
		Long: `Learn serves an application as serve does, and learns from what its clients ask for which
resources go with which pages: from the fields Referer and Sec-Fetch-Dest that browsers
send. It writes what it has learned, as a map for --push-map, to be read, edited and
committed: to a file every ten seconds in which it has learned more, to standard output
when it is told to end. It keeps nothing about who asked.

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
			if s.https() && len(s.tlsCert) == 0 {
				return errors.New(
					"https needs a certificate: name it with --tls-cert and --tls-key")
			}
			log := newJournal(stderr)
			defer log.close()
			logger := slog.New(slog.NewTextHandler(log, nil))
			granted, end, err := g.develop(app, nil)
			if err != nil {
				return err
			}
			defer end()
			granted.To(app)
			grantSecret(app, devSecret{g.data, app.Dir, logger, session.Random()})
			v, err := s.site(app)
			if err != nil {
				return runError{err}
			}
			recorder := new(push.Recorder)
			v.Push.Recorder = recorder
			p := &process{server: s.server(logger), site: v, logger: logger, log: log}
			if err := p.open(); err != nil {
				return err
			}
			learned := &learned{recorder: recorder, file: output, stdout: stdout}
			stop := learned.keep(10*time.Second, logger)
			served := p.serve(c.Context())
			stop()
			if err := learned.write(); err != nil {
				return runError{err}
			}
			return served
		},
	}
	s.flags(c)
	g.flags(c)
	c.Flags().StringVarP(&output, "output", "o", "",
		"`FILE` to write the map to (default standard output)")
	c.Flags().BoolVar(&force, "force", false, "replace FILE")
	return c
}

// A learned is where what a recorder has learned is written to.
type learned struct {
	recorder *push.Recorder
	file     string // empty: standard output
	stdout   io.Writer
	last     []byte // that the file has
}

// keep writes the file again and again, until stop is called.
func (l *learned) keep(every time.Duration, logger *slog.Logger) (stop func()) {
	if l.file == "" {
		return func() {}
	}
	ended := make(chan struct{})
	var writing sync.WaitGroup
	writing.Go(func() {
		ticker := time.NewTicker(every)
		defer ticker.Stop()
		for {
			select {
			case <-ended:
				return
			case <-ticker.C:
				if err := l.write(); err != nil {
					logger.Error("what was learned could not be written", slog.Any("error", err))
				}
			}
		}
	})
	return func() {
		close(ended)
		writing.Wait()
	}
}

// write writes a map of what was learned so far, whole or not at all.
func (l *learned) write() error {
	var text bytes.Buffer
	fmt.Fprintln(&text,
		"# What was learned about the pages. Read it, edit it: a pattern may have * and **.")
	if _, err := l.recorder.Map().WriteTo(&text); err != nil {
		return err
	}
	if l.file == "" {
		_, err := l.stdout.Write(text.Bytes())
		return err
	}
	if bytes.Equal(text.Bytes(), l.last) {
		return nil
	}
	if err := replace(l.file, text.Bytes()); err != nil {
		return err
	}
	l.last = text.Bytes()
	return nil
}
