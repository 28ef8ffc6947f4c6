package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	goruntime "runtime"
	"slices"
	"strings"
	"time"

	"github.com/larkspur-web/larkspur/runtime/lib/mail"
	"github.com/larkspur-web/larkspur/server/site"
	"github.com/larkspur-web/larkspur/server/site/grant"
	"github.com/larkspur-web/larkspur/server/worker"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// A command is what a worker is told: the flags and the argument of serve or dev, and what a site file says
// beside them. It reads them as the process did that started it, in the same directory.
type command struct {
	Dev        bool `json:",omitempty"`
	Flags      []string
	Args       []string
	Environ    map[string]string `json:",omitempty"`
	Middleware []string          `json:",omitempty"`
}

// flagsOf are the flags that were given.
func flagsOf(c *cobra.Command) (given []string) {
	c.Flags().Visit(func(f *pflag.Flag) { given = append(given, flagLines(f)...) })
	return given
}

// flagLines is a flag as it is written.
func flagLines(f *pflag.Flag) []string {
	list, ok := f.Value.(pflag.SliceValue)
	if !ok {
		return []string{"--" + f.Name + "=" + f.Value.String()}
	}
	var all []string
	for _, v := range list.GetSlice() {
		all = append(all, "--"+f.Name+"="+v)
	}
	return all
}

// parse returns what is told to serve.
func (told *command) parse() (*serving, *cobra.Command, error) {
	s, c := new(serving), new(cobra.Command)
	s.flags(c)
	return s, c, c.ParseFlags(told.Flags)
}

// dress adds to the application what a site file says of it.
func (told *command) dress(app *site.Application) error {
	app.Environ = told.Environ
	return app.Wrap(told.Middleware...)
}

// A crew are the flags that say in how many workers an application answers, and what these may.
type crew struct {
	workers int
	sited   bool // a site file says how many, of each mount
	confine
}

func (w *crew) flags(c *cobra.Command) {
	c.Flags().IntVar(&w.workers, "workers", 0,
		"have the application answer in `N` processes of its own; 0 is in this one")
	w.confine.flags(c)
}

// check finds what is wrong with the values together.
func (w *crew) check(c *cobra.Command) error {
	switch {
	case !slices.Contains(sandboxes, w.sandbox):
		return fmt.Errorf("--sandbox %s: %s", w.sandbox, strings.Join(sandboxes, ", "))
	case w.workers == 0 && !w.sited && w.useless(c) != "":
		return fmt.Errorf("%s is for workers: say how many with --workers", w.useless(c))
	case w.workers < 0:
		return fmt.Errorf("--workers %d: 0 or more", w.workers)
	case w.files < fewest:
		return fmt.Errorf("--worker-files %d: %d or more", w.files, fewest)
	}
	return nil
}

// pool returns the workers of an application, which have what is granted by this process.
func (w *crew) pool(told command, app *site.Application, granted *grant.Set, s *settings,
	logger *slog.Logger) *worker.Pool {
	config, _ := json.Marshal(told) // there is nothing in it that could fail
	pool := &worker.Pool{Name: app.Path(app.Name()), Config: config, Workers: w.workers, Drain: s.drain,
		Timeout: s.timeout + time.Minute, Dial: granted.Dial, Logger: logger}
	if w.sandbox != "off" {
		pool.NoNetwork, pool.Memory = true, w.resident()
	}
	return pool
}

// startPool starts the workers, and says what is wrong as if the application had been loaded here.
func startPool(ctx context.Context, pool *worker.Pool, app *site.Application) error {
	err := pool.Start(ctx)
	var load *worker.LoadError
	switch {
	case errors.As(err, &load) && len(load.Diagnostics) > 0:
		return runError{loadError(app, load.Diagnostics)}
	case err != nil:
		return runError{err}
	}
	return nil
}

// application is that of a worker.
func application(config []byte) (*worker.Application, error) {
	var told command
	if err := json.Unmarshal(config, &told); err != nil {
		return nil, fmt.Errorf("worker: read the configuration: %w", err)
	}
	if told.Dev {
		var d developing
		c := new(cobra.Command)
		d.flags(c)
		if err := c.ParseFlags(told.Flags); err != nil {
			return nil, err
		}
		return d.application(told.Args)
	}
	s, _, err := told.parse()
	if err != nil {
		return nil, err
	}
	app, granted, err := s.open(context.Background(), told.Args, nil)
	if err != nil {
		return nil, err
	}
	if err := told.dress(app); err != nil {
		return nil, err
	}
	return s.crew.answer(app, granted, &s.settings, &site.Server{Watch: s.watch})
}

// answer is what a worker answers with: the application, by a server that what is said here completes.
func (w *crew) answer(app *site.Application, granted *grant.Set, s *settings, server *site.Server) (
	*worker.Application, error) {
	granted.State.Guest = true // it is the front that has the server, and needs the secret
	granted.State.Cluster.Secret = ""
	v, err := s.site(app)
	if err != nil {
		return nil, err
	}
	// What there is to say before Run has begun is kept, one of each kind.
	changed, stuck := make(chan func(worker.Teller), 1), make(chan func(worker.Teller), 1)
	server.Drain, server.Logger = s.drain, slog.Default()
	server.Changed = func() { note(changed, worker.Teller.Changed) }
	here := &site.Site{Mounts: []site.Mount{{App: app}}, MaxBody: -1, Calls: v.Calls, Waiting: v.Waiting,
		IdleTimeout: v.IdleTimeout, Hop: true, Multiprocess: w.workers > 1,
		Abandoned: func(r *http.Request, place string) {
			note(stuck, func(tell worker.Teller) { tell.Stuck(r, place) })
		}}
	answer := &worker.Application{
		Connect: func(tell worker.Teller, front worker.Dial) {
			granted.Connect(grant.Dial(front))
			if server.Develop {
				server.Tell = accounts(tell)
				granted.Mail.Outbox = &mail.Outbox{Forward: mails(tell)}
			}
		},
		Confine: func() error { return w.enter(app, granted) },
		Load:    func() error { return server.Set(here) },
		Version: server.Content,
		Handler: server,
		Close:   func() { granted.Close() },
		Run: func(tell worker.Teller) {
			defer goruntime.KeepAlive(floorHeap())
			go func() { _ = server.Serve(context.Background()) }() // it watches, and listens to nothing
			for {
				select {
				case say := <-changed:
					say(tell)
				case say := <-stuck:
					say(tell)
				}
			}
		},
	}
	if server.Develop {
		answer.Files = server.Files
	}
	return answer, nil
}

// note has v in c, unless there is one already.
func note[T any](c chan T, v T) {
	select {
	case c <- v:
	default:
	}
}
