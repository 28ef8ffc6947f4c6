package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"time"

	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/server/compress"
	"github.com/larkspur-web/larkspur/server/site"
	"github.com/larkspur-web/larkspur/server/site/grant"
	"github.com/larkspur-web/larkspur/server/upstream"
	"github.com/larkspur-web/larkspur/server/worker"
	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// serving are the flags of serve.
type serving struct {
	settings
	grants
	joining
	following
	operating
	living
	securing
	proxying
	bounding
	crew
	upstream []string
	health   string
	compress string

	keeper  host.Keeper   // where applications keep what they share, nil for nowhere; set by open
	counter *site.Counter // of what applications may see, nil if they may not; set by open
}

func (s *serving) flags(c *cobra.Command) {
	s.listen, s.drain = []string{"http://127.0.0.1:8000"}, 30*time.Second
	s.settings.flags(c)
	s.operating.flags(c)
	s.grants.flags(c)
	s.joining.flags(c)
	s.following.flags(c)
	s.living.flags(c)
	s.securing.flags(c)
	s.proxying.flags(c)
	s.bounding.flags(c)
	c.Flags().BoolVar(&s.watch, "watch", false, "load the script again when it changes")
	s.crew.flags(c)
	c.Flags().StringVar(&s.compress, "compress", "off",
		"compress answers: on, off or some of `zstd,br,gzip`, the best first; not those that may hold secrets, which "+
			"are to clients with cookies, or a password, or set a cookie, unless \"secrets\" is said beside it")
	c.Flags().Lookup("compress").NoOptDefVal = "on"
	c.Flags().StringArrayVar(&s.upstream, "upstream", nil,
		"`URL` of another HTTP server that answers in place of an application: http://HOST:PORT, "+
			"https://HOST, h2c://HOST:PORT or unix:PATH; several take turns")
	c.Flags().StringVar(&s.health, "upstream-check", "",
		"`PATH` that each upstream is asked every 3 s; one that does not answer is left out")
}

// sockets are the URLs at which the process listens.
func (s *serving) sockets() []string {
	all := slices.Concat(s.listen, s.redirect)
	if s.admin != "" {
		where, _ := adminURL(s.admin) // check has found nothing wrong with it
		all = append(all, where)
	}
	return all
}

// check finds what is wrong with the values together.
func (s *serving) check(c *cobra.Command) error {
	switch {
	case s.operating.check() != nil:
		return s.operating.check()
	case s.https() && len(s.tlsCert) == 0 && len(s.acme) == 0:
		return errors.New("https needs a certificate: name it with --tls-cert and --tls-key, or have one made " +
			"with --acme DOMAIN")
	case s.securing.check(s) != nil:
		return s.securing.check(s)
	case s.crew.check(c) != nil:
		return s.crew.check(c)
	case parsed(s.compress) != nil:
		return fmt.Errorf("--compress %w", parsed(s.compress))
	case len(s.upstream) > 0 && (s.data != "" || s.nats != "" || len(s.lines) > 0):
		return errors.New("--upstream answers in place of an application: leave --data, --nats and --grant out")
	case len(s.upstream) > 0 && s.cluster != "":
		return errors.New("--upstream answers in place of an application: leave --cluster out")
	case s.joining.check(&s.grants) != nil:
		return s.joining.check(&s.grants)
	case s.workers > 0 && len(s.upstream) > 0:
		return errors.New("--workers and --upstream: one of the two")
	case s.health != "" && (len(s.upstream) == 0 || s.health[0] != '/'):
		return errors.New("--upstream-check: a path that begins with a slash, beside --upstream")
	case s.bounding.check() != nil:
		return s.bounding.check()
	case s.living.check() != nil:
		return s.living.check()
	}
	return s.settings.check()
}

// parsed is what is wrong with a value of --compress.
func parsed(how string) error {
	_, err := compress.Parse(how)
	return err
}

// open returns the application that the arguments name, with what the flags grant it.
func (s *serving) open(
	ctx context.Context, args []string, logger *slog.Logger,
) (*site.Application, *grant.Set, error) {
	from, err := whereDeployed(args)
	if err != nil {
		return nil, nil, err
	}
	var app *site.Application
	if from == nil {
		if app, err = needApp("serve", args); err != nil {
			return nil, nil, err
		}
	}
	switch archive := app != nil && s.zip(app); {
	case s.workers > 0 && (archive || from != nil):
		return nil, nil, errors.New("--workers answer for a script or a directory, not for a .zip, " +
			"nor for what was deployed")
	case from == nil && len(s.trust) > 0:
		return nil, nil, errors.New("--trust is for what was deployed: name that, as nats://HOST:PORT/NAME")
	}
	granted, err := s.set()
	if err != nil {
		return nil, nil, err
	}
	sessions, err := s.join(granted)
	if err != nil {
		return nil, nil, err
	}
	granted.State.Logger = logger
	if granted.Stats.Granted {
		s.counter = new(site.Counter)
		granted.Stats.Read = s.counter.Numbers
	}
	if granted.State.Granted() {
		s.keeper = &granted.State
	}
	if from != nil {
		if app, err = s.follow(ctx, from, granted, sessions); err != nil {
			granted.Close()
			return nil, nil, err
		}
	} else {
		grantSecret(app, serveSecret{s.data, sessions})
	}
	granted.To(app)
	return app, granted, nil
}

// build returns what is served: the application in this process or in workers, or upstreams.
// closing is for when that has ended.
func (s *serving) build(c *cobra.Command, args []string, logger *slog.Logger) (v *site.Site, closing func(), err error) {
	if len(s.upstream) > 0 {
		return s.proxied(args, logger)
	}
	app, granted, err := s.open(c.Context(), args, logger)
	if err != nil {
		return nil, nil, err
	}
	closing = func() { granted.Close(); s.following.close() }
	if v, err = s.site(app); err != nil {
		closing()
		return nil, nil, runError{err}
	}
	if s.workers == 0 {
		return v, closing, nil
	}
	pool, err := s.work(c.Context(), command{Flags: flagsOf(c), Args: args}, app, granted, logger)
	if err != nil {
		closing()
		return nil, nil, err
	}
	closing = func() { pool.Close(); granted.Close() }
	v.Mounts[0].App, v.Mounts[0].Handler = nil, pool
	return v, closing, nil
}

// work starts the workers of an application, which are told the same.
func (s *serving) work(ctx context.Context, told command, app *site.Application, granted *grant.Set,
	logger *slog.Logger) (*worker.Pool, error) {
	if granted.Keeps(app) { // for the workers, which reach it by a socket
		if err := granted.State.Open(ctx); err != nil {
			return nil, runError{err}
		}
	}
	if err := s.foresee(app, granted); err != nil {
		return nil, runError{err}
	}
	pool := s.pool(told, app, granted, &s.settings, logger)
	return pool, startPool(ctx, pool, app)
}

// proxied returns a site that other servers answer for.
func (s *serving) proxied(args []string, logger *slog.Logger) (*site.Site, func(), error) {
	if len(args) > 0 {
		return nil, nil, fmt.Errorf("--upstream answers in place of %s: leave one of them out", args[0])
	}
	proxy, err := upstream.New(s.upstream...)
	if err != nil {
		return nil, nil, fmt.Errorf("--%w", err)
	}
	proxy.Check, proxy.Logger = s.health, logger
	v, err := s.site(new(site.Application))
	if err != nil {
		return nil, nil, runError{err}
	}
	proxy.Start()
	v.Mounts[0].App, v.Mounts[0].Handler = nil, proxy
	return v, proxy.Close, nil
}

func newServe(stderr io.Writer) *cobra.Command {
	var s serving
	c := &cobra.Command{
		Use:        "serve [flags] [APP]",
		Short:      "Serve an application",
		SuggestFor: []string{"run", "start", "server"},
		Long: `Serve serves an application over HTTP/1.1 and HTTP/2.

APP is FILE.star, FILE.star:CALLABLE, or a directory or FILE.zip that holds app.star;
without one it is the current directory. The callable is app, or else application.
A directory that holds site.star is a site: that file says which applications, files and
other servers answer for which hosts, and what else is served how. Flags come before what
it says. larkspur docs site describes it, larkspur check --print shows what comes of it.
nats://HOST:PORT/NAME is what larkspur deploy has put there, and deployed:NAME what it has
put where --data, --nats or --cluster keeps the state: the server follows it.

SIGUSR1 opens the files of logs again. SIGHUP loads the script and the certificate again, and with --watch a script that
changed is loaded by itself; what does not load never replaces what serves. SIGTERM and
SIGINT end the server once the requests that were begun are answered; a second one
ends it at once. SIGUSR2, which larkspur restart sends, has a new process of the larkspur
that is installed by now take the sockets over: this one ends once that serves, and serves
on if it does not.

An application reaches nothing outside of its directory but what --grant names, and what it
keeps in the directory that --data names: its databases (@sql), as DIR/NAME.db, its files
(@files), below DIR/files, its state (@kv), in DIR/state or where --nats says, and the secret that the cookies of @session are encrypted by,
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
  larkspur serve --data /var/lib/blog --cluster blog --cluster-secret /etc/blog.secret \
      --peer 10.0.0.1 --peer 10.0.0.2 --peer 10.0.0.3 blog.star
  larkspur serve --listen https://:443 --tls-cert c.pem --tls-key k.pem blog.star:admin
  larkspur serve nats://10.0.0.1:4222/blog`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: completeApp,
		RunE: func(c *cobra.Command, args []string) error {
			dir, err := s.move()
			if err != nil {
				return err
			}
			if file := siteFile(args); file != "" {
				return serveSite(c, file, dir, stderr)
			}
			if err := s.check(c); err != nil {
				return err
			}
			return s.serve(c.Context(), dir, stderr, nil, func(o *operator) (*site.Site, func(), error) {
				v, closing, err := s.build(c, args, o.logger)
				if err != nil {
					return nil, nil, err
				}
				if f, _ := compress.Parse(s.compress); f != nil {
					v.Mounts[0].Filter = f.Begin
				}
				if err := s.dress(v); err != nil {
					closing()
					return nil, nil, err
				}
				return v, closing, nil
			})
		},
	}
	s.flags(c)
	return c
}

// dress has the site secure what it serves, believe its proxies and bound its clients as the flags say.
func (s *serving) dress(v *site.Site) (err error) {
	if v.Proxies, err = s.proxies(); err != nil {
		return err
	}
	if err := s.secure(v, s.data); err != nil {
		return runError{err}
	}
	s.bound(v)
	return nil
}

// serve serves what build returns, which is made once the process is what the flags say, until it is told to end.
// dir is the directory that it was started in.
func (s *serving) serve(ctx context.Context, dir string, stderr io.Writer, sited *sited,
	build func(*operator) (v *site.Site, closing func(), err error)) error {
	place, err := s.settle(dir, s.sockets())
	if err != nil {
		return err
	}
	o, err := s.operate(stderr)
	if err != nil {
		return err
	}
	defer o.close()
	place.logger, place.log = o.logger, o.log
	v, closing, err := build(o)
	if err != nil {
		return err
	}
	defer closing()
	p := &process{server: s.server(o.logger), site: v, logger: o.logger, log: o.log, place: place, sited: sited}
	p.server.Opened = place.heritage.Opened
	if err := o.attach(p, isTerminal(stderr) || isTerminal(place.heritage.Stderr()), s.keeper); err != nil {
		return err
	}
	if s.counter != nil {
		s.counter.Attach(p.server)
	}
	return p.run(ctx)
}

// isTerminal reports whether w is one, where somebody looks.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
