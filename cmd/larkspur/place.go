package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"slices"
	"time"

	"github.com/larkspur-web/larkspur/server"
	"github.com/larkspur-web/larkspur/server/service"
	"github.com/larkspur-web/larkspur/server/site"
)

// A place is what a server has of the system that it runs on: sockets from whoever started it, a service
// manager that wants to know how it does, a file that names it, a successor. A nil one does nothing.
type place struct {
	heritage *service.Heritage
	notifier *service.Notifier
	pid      *service.PIDFile
	pidFile  string             // its name
	beside   []*server.Listener // that are none of the site's
	dir      string             // that the process was started in
	delay    time.Duration      // between the signal to end and the end of accepting
	logger   *slog.Logger
	log      io.Writer
}

// open opens the sockets that the process will have no right to open later.
func (p *place) open(listen []string) error {
	if p.heritage.Opened == nil {
		p.heritage.Opened = new(server.Opened)
	}
	if p.heritage.Restarted {
		return nil // they are there, or may be opened without a right
	}
	for _, where := range listen {
		if err := p.heritage.Opened.Open(where); errors.Is(err, server.ErrAddress) {
			return err
		} else if err != nil {
			return runError{err}
		}
	}
	return nil
}

// unused is the error of sockets that were given for nothing.
func (p *place) unused() error {
	if p == nil {
		return nil
	}
	if err := p.heritage.Unused(); err != nil {
		return runError{err}
	}
	return nil
}

// tell tells the service manager.
func (p *place) tell(states ...string) {
	if p == nil {
		return
	}
	if err := p.notifier.Tell(states...); err != nil {
		p.logger.Warn(err.Error())
	}
}

// serves says that the process serves, to all who wait for it.
func (p *place) serves(listeners []*server.Listener) {
	if p == nil {
		return
	}
	if err := p.pid.Write(); err != nil {
		p.logger.Warn(err.Error())
	}
	p.heritage.Ready(slices.Concat(listeners, p.beside))
	p.tell(service.Ready)
}

// live tells the watchdog of the service manager, until ctx ends and after that, while requests end: the
// process does.
func (p *place) live(ctx context.Context) {
	if p == nil || p.notifier == nil || p.notifier.Watchdog == 0 {
		return
	}
	// sd_watchdog_enabled(3): half of the time is recommended.
	for tick := time.NewTicker(p.notifier.Watchdog / 2); ; {
		select {
		case <-tick.C:
			p.tell(service.Alive)
		case <-ctx.Done():
			tick.Stop()
			return
		}
	}
}

// leaves begins the end that a signal asks for. It returns when the time is over in which the server
// serves on, or another signal comes.
func (p *place) leaves(ends chan os.Signal) {
	if p == nil {
		return
	}
	p.tell(service.Stopping)
	if p.delay == 0 {
		return
	}
	timer := time.NewTimer(p.delay)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ends:
	}
}

// ended is called when the process serves nothing more.
func (p *place) ended() {
	if p == nil {
		return
	}
	if err := p.pid.Close(); err != nil {
		p.logger.Warn(err.Error())
	}
}

// restarts starts a successor at each signal, until ctx ends. Once one serves, it calls stop.
func (p *place) restarts(ctx context.Context, signals <-chan os.Signal, s *site.Server, stop func()) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-signals:
		}
		if p.restart(ctx, s) {
			stop()
			return
		}
	}
}

// restart starts a successor, and reports whether it serves. What came of it is in the log, and for
// larkspur restart beside the PID file.
func (p *place) restart(ctx context.Context, s *site.Server) bool {
	p.logger.Info("restarting: a new process takes the sockets over", slog.String("program", os.Args[0]))
	successor := service.Successor{Dir: p.dir, Env: p.notifier.Env(), Foreign: p.heritage.Foreign, Output: p.log}
	pid, err := successor.Start(ctx, slices.Concat(s.Listeners(), p.beside))
	if err != nil {
		p.logger.Error("the restart has failed, this process serves on", slog.Any("error", err))
		if p.pidFile != "" {
			if err := os.WriteFile(failureOf(p.pidFile), []byte(err.Error()+"\n"), 0o644); err != nil {
				p.logger.Warn(err.Error())
			}
		}
		return false
	}
	p.logger.Info("the new process serves, this one ends", slog.Int("pid", pid))
	p.tell(service.Main(pid))
	return true
}

// failureOf is the file that says why a restart has failed.
func failureOf(pidFile string) string { return pidFile + ".failed" }
