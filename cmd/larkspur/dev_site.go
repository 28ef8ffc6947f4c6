package main

import (
	"context"
	"io"
	"log/slog"
	"path/filepath"
	"slices"

	"github.com/larkspur-web/larkspur/environ/lib/session"
	"github.com/larkspur-web/larkspur/runtime/display"
	"github.com/larkspur-web/larkspur/server"
	"github.com/larkspur-web/larkspur/server/dev"
	"github.com/larkspur-web/larkspur/server/site"
	"github.com/larkspur-web/larkspur/server/site/grant"
	"github.com/larkspur-web/larkspur/server/site/sitefile"
	"github.com/spf13/cobra"
)

// A devSite is how a site file is developed: its applications answer in this process, by names that
// lead to this machine, and keep what they keep below themselves.
type devSite struct {
	told   []string // flags
	logger *slog.Logger
	ready  func(*grant.Set) // readies what is granted for whoever develops
	say    func(string)     // says once what differs of serve

	certificate *site.Certificate
}

// ignored are the flags that dev does not take from a site file.
var ignored = []string{"listen", "tls-cert", "tls-key", "access-log", "watch", "drain", "max-conns", "http2", "compress",
	"sandbox", "worker-memory", "worker-cpu", "worker-files", "worker-file-size"}

// developSite develops a site file.
func developSite(c *cobra.Command, s *settings, file string, stderr io.Writer) error {
	log := newJournal(stderr)
	defer log.close()
	console := newConsole(log, excerpt(site.Dir(filepath.Dir(file), filepath.Base(file))))
	console.palette, console.ran = display.PaletteOf(stderr), dev.Source
	logger := slog.New(console)
	said, counter := make(map[string]bool), new(site.Counter)
	d := &devSite{told: flagsOf(c), logger: logger, ready: func(g *grant.Set) {
		outbox(g, logger)
		g.Stats.Read = counter.Numbers
	},
		say: func(what string) {
			if !said[what] {
				said[what] = true
				logger.Info(what)
			}
		}}
	var err error
	if len(s.tlsCert) == 0 {
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
	counter.Attach(p.server)
	p.greet = func(listeners []*server.Listener) { greet(log, console.palette, file, listeners) }
	return p.run(c.Context())
}

// build is what a [sited] builds.
func (d *devSite) build(keeper *sitefile.Keeper, f *sitefile.File) (*site.Site, error) {
	c := new(cobra.Command)
	var flags developing
	flags.flags(c)
	s := &flags.settings
	if err := c.ParseFlags(d.told); err != nil {
		return nil, err
	}
	if err := misplaced(c, f.Path); err != nil {
		return nil, err
	}
	if err := settle(c, f, ignored...); err != nil {
		return nil, runError{err}
	}
	if err := blamed(c, f, s.check()); err != nil {
		return nil, err
	}
	for _, set := range f.Settings {
		if slices.Contains(ignored, set.Flag) {
			d.say("dev listens where its own flags say, with its own certificate: listen, tls, log, compress and sandbox of " +
				f.Path + " are for serve")
		}
	}
	v, err := s.site(new(site.Application))
	if err != nil {
		return nil, runError{err}
	}
	lot := keeper.Begin()
	v.Retire = lot.Release
	v.Mounts, err = lot.Mounts(f, func(m *sitefile.Mount) (site.Mount, error) {
		if m.Workers > 0 {
			d.say("applications answer in this process: workers are for serve")
		}
		return d.mount(lot, s, m)
	})
	if err != nil {
		lot.Release()
		return nil, runError{err}
	}
	v.Mounts = local(v.Mounts)
	for i := range v.Mounts {
		v.Mounts[i].Filter = nil // the pages of dev are put into what is not compressed
	}
	v.Access = d.logger
	if v.Certificate == nil {
		v.Certificate = d.certificate
	}
	return v, nil
}

// local are the mounts by names that lead to this machine: NAME.localhost is NAME, and what has neither
// name is of the first host if none is of all.
func local(mounts []site.Mount) []site.Mount {
	all := slices.Clone(mounts)
	rest := slices.ContainsFunc(mounts, func(m site.Mount) bool { return m.Host == "*" })
	for _, m := range mounts {
		if m.Host == "*" {
			continue
		}
		of := m
		of.Host += ".localhost" // RFC 6761, section 6.3
		all = append(all, of)
		if !rest && m.Host == mounts[0].Host {
			m.Host = "*"
			all = append(all, m)
		}
	}
	return all
}

// mount makes an application that is developed.
func (d *devSite) mount(lot *sitefile.Lot, s *settings, m *sitefile.Mount) (v site.Mount, err error) {
	own := *m
	own.Workers = 0
	named, err := findApp([]string{m.App})
	if err != nil {
		return v, err
	}
	key := struct {
		granting
		Below string
	}{granting{m.Grants, m.Data}, named.Dir}
	g, err := sitefile.Keep(lot, key, func() (*granted, func(), error) {
		set, end, err := (&grants{lines: m.Grants, data: m.Data}).develop(named, nil)
		if err != nil {
			return nil, nil, err
		}
		d.ready(set)
		g := &granted{set: set}
		set.To(&g.app)
		return g, end, nil
	})
	if err != nil {
		return v, err
	}
	told := command{Args: []string{m.App}, Environ: m.Environ, Middleware: m.Middleware}
	limits := struct {
		Mount sitefile.Mount
		Time  string
		Steps uint64
		Size  int64
	}{own, s.timeout.String(), s.maxSteps, int64(s.memory)}
	v.App, err = sitefile.Keep(lot, limits, func() (*site.Application, func(), error) {
		app, err := findApp(told.Args)
		if err != nil {
			return nil, nil, err
		}
		g.to(app)
		grantSecret(app, devSecret{m.Data, app.Dir, d.logger, session.Random()})
		if err := told.dress(app); err != nil {
			return nil, nil, err
		}
		c := new(cobra.Command)
		bounds := *s
		bounds.flags(c)
		bounds.timeout, bounds.maxSteps, bounds.memory = s.timeout, s.maxSteps, s.memory
		for name, value := range m.Limits {
			if err := c.Flags().Set(name, value); err != nil {
				return nil, nil, err
			}
		}
		_, err = bounds.site(app)
		return app, nil, err
	})
	return v, err
}
