package main

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"strconv"

	"github.com/larkspur-web/larkspur/server/site"
	"github.com/larkspur-web/larkspur/server/site/grant"
	"github.com/larkspur-web/larkspur/server/site/sitefile"
	"github.com/larkspur-web/larkspur/server/worker"
	"github.com/spf13/cobra"
)

// A mounting makes what answers for a mount of a site file.
type mounting struct {
	lot     *sitefile.Lot
	c       *cobra.Command // whose flags say what counts for all
	m       *sitefile.Mount
	counter *site.Counter
	logger  *slog.Logger
}

// passed are the flags that count for each application.
var passed = []string{"timeout", "max-steps", "memory", "idle-timeout", "calls", "waiting", "watch", "drain",
	"sandbox", "worker-memory", "worker-cpu", "worker-files", "worker-file-size"}

// command is what serve would be told for the application alone.
func (b mounting) command() command {
	told := command{Args: []string{b.m.App}, Environ: b.m.Environ, Middleware: b.m.Middleware}
	for _, name := range passed {
		flag := b.c.Flags().Lookup(name)
		if value, own := b.m.Limits[name]; own {
			told.Flags = append(told.Flags, "--"+name+"="+value)
		} else {
			told.Flags = append(told.Flags, flagLines(flag)...)
		}
	}
	for _, line := range b.m.Grants {
		told.Flags = append(told.Flags, "--grant="+line)
	}
	if b.m.Data != "" {
		told.Flags = append(told.Flags, "--data="+b.m.Data)
	}
	return told
}

// mount returns the application, in this process or in workers.
func (b mounting) mount(ctx context.Context) (v site.Mount, err error) {
	told := b.command()
	s, c, err := told.parse()
	if err != nil {
		return v, err
	}
	granted, err := sitefile.Keep(b.lot, granting{b.m.Grants, b.m.Data}, func() (*granted, func(), error) {
		return newGranted(s, b.counter, b.logger)
	})
	if err != nil {
		return v, err
	}
	v.App, err = sitefile.Keep(b.lot, told, func() (*site.Application, func(), error) {
		app, err := b.application(s, &told, granted)
		return app, nil, err
	})
	if err != nil || b.m.Workers == 0 {
		return v, err
	}
	if s.workers = b.m.Workers; s.zip(v.App) {
		return v, errors.New("workers answer for a script or a directory, not for a .zip")
	}
	_ = c.Flags().Set("workers", strconv.Itoa(s.workers)) // it is a number
	key := struct {
		Workers int
		Told    command
	}{s.workers, told}
	pool, err := sitefile.Keep(b.lot, key, func() (*worker.Pool, func(), error) {
		told.Flags = flagsOf(c)
		pool, err := s.work(ctx, told, v.App, granted.set, b.logger)
		return pool, func() { pool.Close() }, err
	})
	v.App, v.Handler = nil, pool
	return v, err
}

// application is the one that is told of.
func (b mounting) application(s *serving, told *command, g *granted) (*site.Application, error) {
	app, err := findApp(told.Args)
	if err != nil {
		return nil, err
	}
	s.zip(app)
	g.to(app)
	grantSecret(app, serveSecret{s.data, ""})
	if err := told.dress(app); err != nil {
		return nil, err
	}
	_, err = s.site(app)
	return app, err
}

// A granting is what several mounts may be granted together.
type granting struct {
	Grants []string
	Data   string
}

// granted is that, opened once.
type granted struct {
	set *grant.Set
	app site.Application // that has it
}

func newGranted(s *serving, counter *site.Counter, logger *slog.Logger) (*granted, func(), error) {
	set, err := s.set()
	if err != nil {
		return nil, nil, err
	}
	set.Advice = func(line string) string { return "write grants = [" + quoted(line) + "] in its mount" }
	set.State.Logger, set.Stats.Read = logger, counter.Numbers
	g := &granted{set: set}
	set.To(&g.app)
	return g, func() { set.Close() }, nil
}

// to has the application have it.
func (g *granted) to(app *site.Application) {
	app.Modules = append(slices.Clone(app.Modules), g.app.Modules...)
	merged := maps.Clone(g.app.Grants)
	maps.Copy(merged, app.Grants)
	app.Grants, app.Advice = merged, g.app.Advice
}

func quoted(s string) string { return `"` + s + `"` }
