package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"os"
	"os/signal"
	goruntime "runtime"
	"sync"
	"syscall"

	"github.com/larkspur-web/larkspur/server"
	"github.com/larkspur-web/larkspur/server/service"
	"github.com/larkspur-web/larkspur/server/site"
)

// A process serves a site until it is told to end.
type process struct {
	server *site.Server
	site   *site.Site
	logger *slog.Logger
	log    io.Writer
	greet  func([]*server.Listener) // says more than where it listens; nil for nothing
	reopen func()                   // opens the files of logs again, at SIGUSR1; nil for nothing
	hangup bool                     // SIGHUP ends it, as the close of its terminal; else it reloads
	place  *place                   // what it has of the system it runs on; nil for nothing
	sited  *sited                   // has the site file that site was made of; nil if there is none
}

// run loads, listens and serves.
func (p *process) run(ctx context.Context) error {
	limitMemory()
	defer goruntime.KeepAlive(floorHeap())
	if err := p.open(); err != nil {
		return err
	}
	if err := p.place.unused(); err != nil {
		return err
	}
	return p.serve(ctx)
}

// open loads the site and opens its listeners.
func (p *process) open() error {
	// Go ends a process that writes to a standard output or error that nobody reads any more. A
	// server outlives the reader of its log, from the first line that loading a script may log.
	signal.Ignore(syscall.SIGPIPE)
	divert(p.logger)
	err := p.server.Set(p.site)
	var load *site.LoadError
	switch {
	case errors.As(err, &load):
		return runError{loadError(load.Application, load.Err)}
	case err == nil, errors.Is(err, server.ErrAddress):
		return err // the flag is wrong
	}
	return runError{err}
}

// divert has what libraries write to the standard logger be records of l, at debug: the client of
// net/http does, of a server that says something unasked, and knows no other place.
func divert(l *slog.Logger) {
	log.SetFlags(0)
	log.SetOutput(slog.NewLogLogger(l.Handler(), slog.LevelDebug).Writer())
}

// serve serves until ctx ends or a signal comes, and then until the requests that were begun are
// answered or another signal comes.
func (p *process) serve(ctx context.Context) error {
	// All signals are caught before a line says that they may come.
	hangup, restart := make(chan os.Signal, 1), make(chan os.Signal, 1)
	ends := make(chan os.Signal, 2)
	signal.Notify(ends, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(ends)
	switch {
	case !p.hangup:
		signal.Notify(hangup, syscall.SIGHUP)
		defer signal.Stop(hangup)
	case !signal.Ignored(syscall.SIGHUP): // else nohup runs it, so that it outlives its terminal
		signal.Notify(ends, syscall.SIGHUP)
	}
	again := make(chan os.Signal, 1)
	notifyReopen(again)
	defer signal.Stop(again)
	if p.place != nil && restartSignal != nil {
		signal.Notify(restart, restartSignal)
		defer signal.Stop(restart)
	}
	ctx, stop := context.WithCancel(ctx)

	var background sync.WaitGroup
	defer background.Wait()
	defer stop() // before the wait
	background.Go(func() { p.reload(ctx, hangup) })
	if p.sited != nil && p.server.Watch {
		background.Go(func() { p.sited.follow(ctx, p.server) })
	}
	listeners := p.server.Listeners()
	for _, l := range listeners {
		fmt.Fprintf(p.log, "listening on %s\n", l.URL)
	}
	if p.greet != nil {
		p.greet(listeners)
	}
	served := make(chan error, 1)
	go func() { served <- p.server.Serve(ctx) }()
	p.place.serves(listeners)
	defer p.place.ended()
	background.Go(func() { p.place.live(ctx) })
	background.Go(func() { p.place.restarts(ctx, restart, p.server, stop) })
	for {
		select {
		case <-again:
			if p.reopen != nil {
				p.reopen()
			}
		case <-ends:
			if ctx.Err() != nil {
				return runError{errors.New("second signal: exiting now, requests were cut off")}
			}
			p.server.Leave()
			p.place.leaves(ends) // a second signal comes sooner
			stop()
		case err := <-served:
			switch {
			case err != nil && ctx.Err() != nil:
				// It was told to end, and has: the requests that took too long are lost, not the
				// server.
				p.logger.Warn(err.Error())
			case err != nil:
				return runError{err}
			}
			return nil
		}
	}
}

// reload loads the site again at each hangup, until ctx ends. What came of it is in the log.
func (p *process) reload(ctx context.Context, hangup <-chan os.Signal) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-hangup:
			p.place.tell(service.Reloading())
			if p.sited != nil {
				p.sited.take(ctx, p.server)
			}
			_ = p.server.Reload()
			p.place.tell(service.Ready)
		}
	}
}
