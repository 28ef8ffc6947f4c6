package main

import (
	"errors"
	"fmt"
	"log/slog"

	"github.com/larkspur-web/larkspur/server/site"
	"github.com/larkspur-web/larkspur/server/site/sitefile"
	"github.com/spf13/cobra"
)

// checkSite finds what is wrong with a site file, and with the applications that it mounts. told are the
// flags that serve will be given.
func (k *checking) checkSite(path string, told []string, logger *slog.Logger) error {
	f, s, c, err := readSite(path, told, logger)
	for i := 0; err == nil && i < len(s.tlsCert); i++ {
		if _, e := site.ReadCertificate(s.tlsCert[i], s.tlsKey[i]); e != nil {
			err = blamed(c, f, fmt.Errorf("--tls-cert %w", e))
		}
	}
	if err == nil && s.pushMemory != "" && exists(s.pushMemory) {
		_, e := site.ReadMemory(s.pushMemory)
		err = blamed(c, f, e)
	}
	if printFaults(k.stdout, err) {
		return errFound
	}
	if err != nil {
		return err
	}
	if k.print {
		return printSite(k.stdout, k.json, f, c)
	}
	seen, found := make(map[string]bool), error(nil)
	for _, h := range f.Hosts {
		for _, r := range h.Routes {
			if r.Mount == nil || seen[fmt.Sprint(*r.Mount)] {
				continue
			}
			seen[fmt.Sprint(*r.Mount)] = true
			if err := k.checkMount(r.Mount); err != nil && !errors.Is(err, errFound) {
				return err
			} else if err != nil {
				found = err
			}
		}
	}
	return found
}

// readSite reads a site file, and what it says together with the flags.
func readSite(path string, told []string, logger *slog.Logger) (f *sitefile.File, s *serving, c *cobra.Command, err error) {
	if f, err = sitefile.Read(path, logger); err != nil {
		return nil, nil, nil, err
	}
	s, c, err = together(told, f)
	return f, s, c, err
}

// checkMount is the check of an application, with what its mount grants.
func (k *checking) checkMount(m *sitefile.Mount) error {
	app, err := findApp([]string{m.App})
	if err != nil {
		return err
	}
	if err := app.Wrap(m.Middleware...); err != nil {
		return err
	}
	own := grants{lines: m.Grants, data: m.Data}
	granted, err := own.only()
	if err != nil {
		return err
	}
	return k.application(app, granted, &own)
}
