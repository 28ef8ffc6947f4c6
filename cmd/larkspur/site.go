package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/runtime/watch"
	"github.com/larkspur-web/larkspur/server/site"
	"github.com/larkspur-web/larkspur/server/site/sitefile"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// siteFile returns the path of the site file that the arguments name, or whose directory, or that is in
// this one; "" if there is none.
func siteFile(args []string) string {
	switch {
	case len(args) == 0:
		args = []string{"."}
	case filepath.Base(args[0]) == sitefile.Name && exists(args[0]):
		return args[0]
	}
	if path := filepath.Join(args[0], sitefile.Name); !isURL(args[0]) && exists(path) {
		return path
	}
	return ""
}

// A sited is what is served by a site file, again and again.
type sited struct {
	path   string
	logger *slog.Logger
	keeper sitefile.Keeper
	// counter counts what applications may see that are granted it.
	counter *site.Counter
	// build makes a site of what the file says, with what the keeper has.
	build func(context.Context, *sitefile.File) (*site.Site, error)
	// late are the flags that count when the process starts, with what they were then.
	late map[string]string

	mu    sync.Mutex // held while the file is taken up
	files []string   // that it was made of
}

// first is the site as it is when the process starts.
func (d *sited) first(ctx context.Context) (*site.Site, error) {
	d.files = []string{d.path}
	f, err := sitefile.Read(d.path, d.logger)
	if err != nil {
		return nil, runError{inLine(err)}
	}
	d.files = f.Files
	return d.build(ctx, f)
}

// inLine is the error of a site file in a line.
func inLine(err error) error {
	var found host.Diagnostics
	if errors.As(err, &found) && len(found) > 1 {
		return fmt.Errorf("%s (and %d more: larkspur check lists them)", found[0], len(found)-1)
	}
	return err
}

// take has the server serve what the file says now. What is wrong with it is logged, and changes nothing.
func (d *sited) take(ctx context.Context, s *site.Server) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.takeUp(ctx, s); err != nil && ctx.Err() == nil {
		d.logger.Error("the site file is not taken up, what it said before serves on", slog.Any("error", inLine(err)))
	}
}

func (d *sited) takeUp(ctx context.Context, s *site.Server) error {
	f, err := sitefile.Read(d.path, d.logger)
	if err != nil {
		return err
	}
	d.files = f.Files
	v, err := d.build(ctx, f)
	if err != nil {
		return err
	}
	if err := s.Set(v); err != nil {
		v.Retire()
		var load *site.LoadError
		if errors.As(err, &load) {
			return loadError(load.Application, load.Err)
		}
		return err
	}
	var urls []string
	for _, l := range s.Listeners() {
		urls = append(urls, l.URL)
	}
	d.logger.Info("took up the site file", slog.String("file", d.path), slog.String("listeners", strings.Join(urls, " ")))
	return nil
}

// follow takes the file up whenever one that it is made of has changed, until ctx ends.
func (d *sited) follow(ctx context.Context, s *site.Server) {
	ticker := time.NewTicker(watch.Poll / 8)
	defer ticker.Stop()
	var files site.Follower
	for {
		d.mu.Lock()
		names := d.files
		d.mu.Unlock()
		if files.Changed(names...) {
			d.take(ctx, s)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// elsewhere are the flags that a site file says of each of its mounts.
var elsewhere = []string{"workers", "upstream", "upstream-check", "mount", "grant", "data", "nats", "cluster",
	"peer", "cluster-listen", "cluster-secret", "trust"}

// misplaced returns the error of a flag that a site file leaves nothing to say.
func misplaced(c *cobra.Command, file string) error {
	for _, name := range elsewhere {
		if c.Flags().Changed(name) {
			return fmt.Errorf("--%s: %s says that of each of its mounts", name, file)
		}
	}
	return nil
}

// settle sets the flags to what the file says, but those that were given, and those of skip.
func settle(c *cobra.Command, f *sitefile.File, skip ...string) error {
	var faults host.Diagnostics
	for _, s := range f.Settings {
		flag := c.Flags().Lookup(s.Flag)
		if slices.Contains(skip, s.Flag) || flag != nil && flag.Changed {
			continue
		}
		if err := setFlag(flag, s.Values); err != nil {
			faults = append(faults, placed(f, s, err))
		}
	}
	if len(faults) > 0 {
		return faults
	}
	return nil
}

func setFlag(flag *pflag.Flag, values []string) error {
	if flag == nil {
		return errors.New("there is no such setting here")
	}
	if list, ok := flag.Value.(pflag.SliceValue); ok {
		return list.Replace(values)
	}
	return flag.Value.Set(values[0])
}

// placed is what is wrong with a setting.
func placed(f *sitefile.File, s sitefile.Setting, err error) host.Diagnostic {
	at := s.Place
	at.File = filepath.Join(filepath.Dir(f.Path), at.File)
	return host.Diagnostic{Place: at, Message: s.Word + ": " + strings.TrimPrefix(err.Error(), "--"+s.Flag+" ")}
}

// blamed is err, with the place of the setting that it speaks of by its flag, if the file has that.
func blamed(c *cobra.Command, f *sitefile.File, err error) error {
	if err == nil {
		return nil
	}
	for _, s := range f.Settings {
		if strings.Contains(err.Error(), "--"+s.Flag) && !c.Flags().Changed(s.Flag) {
			return runError{host.Diagnostics{placed(f, s, err)}}
		}
	}
	return err
}

// serveSite serves what a site file says. What counts for the process is what it says when that starts, in dir.
func serveSite(c *cobra.Command, file, dir string, stderr io.Writer) error {
	told := flagsOf(c)
	f, err := sitefile.Read(file, slog.New(slog.DiscardHandler)) // what it prints, it prints when it is read to serve
	if err != nil {
		return runError{inLine(err)}
	}
	s, _, err := together(told, f)
	if err != nil {
		return err
	}
	d := &sited{path: file, counter: new(site.Counter)}
	defer d.keeper.Close()
	s.counter = d.counter
	return s.serve(c.Context(), dir, stderr, d, func(o *operator) (*site.Site, func(), error) {
		d.logger = o.logger
		d.build = func(ctx context.Context, f *sitefile.File) (*site.Site, error) {
			next, own, err := together(told, f)
			if err != nil {
				return nil, err
			}
			d.note(own)
			return next.mounted(ctx, d, own, f)
		}
		v, err := d.first(c.Context())
		return v, func() {}, err
	})
}

// lateFlags are those of the process, which count when it starts.
var lateFlags = []string{"drain", "max-conns", "http2", "watch", "admin", "access-log", "access-sample", "log-mask",
	"error-log", "pid-file", "user", "umask", "drain-delay"}

// note says which settings wait for the process to start again.
func (d *sited) note(c *cobra.Command) {
	first := d.late == nil
	if first {
		d.late = make(map[string]string)
	}
	for _, name := range lateFlags {
		now := c.Flags().Lookup(name).Value.String()
		if first {
			d.late[name] = now
		} else if d.late[name] != now {
			d.logger.Warn("a setting counts when the process starts again", slog.String("setting", name),
				slog.String("value", now))
		}
	}
}

// together returns what the command line and a site file say together.
func together(told []string, f *sitefile.File) (*serving, *cobra.Command, error) {
	s, c, err := (&command{Flags: told}).parse()
	if err != nil {
		return nil, nil, err
	}
	if err := misplaced(c, f.Path); err != nil {
		return nil, nil, err
	}
	if err := settle(c, f); err != nil {
		return nil, nil, runError{err}
	}
	s.sited = true
	if s.https() && len(s.tlsCert) == 0 && len(s.acme) == 0 {
		return nil, nil, blamed(c, f, errors.New("--listen https needs a certificate: name it with tls(cert, key), or have one made "+
			"with acme(domains, dir)"))
	}
	return s, c, blamed(c, f, s.check(c))
}

// mounted is the site of a file: what s says of all, and c, whose flags they are.
func (s *serving) mounted(ctx context.Context, d *sited, c *cobra.Command, f *sitefile.File) (*site.Site, error) {
	v, err := s.site(new(site.Application))
	if err != nil {
		return nil, runError{err}
	}
	if err := s.dress(v); err != nil {
		return nil, err
	}
	lot := d.keeper.Begin()
	lot.Compress = s.compress
	v.Retire = lot.Release
	v.Mounts, err = lot.Mounts(f, func(m *sitefile.Mount) (site.Mount, error) {
		return mounting{lot, c, m, d.counter, d.logger}.mount(ctx)
	})
	if err != nil {
		lot.Release()
		return nil, runError{err}
	}
	return v, nil
}

// print is for the errors of reading a file: each in a line.
func printFaults(w io.Writer, err error) bool {
	var found host.Diagnostics
	if !errors.As(err, &found) {
		return false
	}
	for _, f := range found {
		fmt.Fprintln(w, f)
	}
	return true
}
