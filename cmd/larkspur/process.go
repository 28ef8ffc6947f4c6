package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"github.com/larkspur-web/larkspur/push"
	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/watch"
	"github.com/larkspur-web/larkspur/server"
)

// A process is a loaded application and how it is served.
type process struct {
	settings *settings
	app      *application
	live     *runtime.Live
	handler  *server.Handler
	pair     *keyPair // nil if nothing is served over TLS
	logger   *slog.Logger
	develop  *development // nil unless it is developed
}

// load loads app to be served.
func load(app *application, s *settings, logger *slog.Logger) (*process, error) {
	live, err := runtime.NewLive(app.config(s.limits(), logger), app.entry)
	if err != nil {
		return nil, runError{app.loadError(err)}
	}
	p := &process{settings: s, app: app, live: live, logger: logger}
	p.handler = &server.Handler{App: live, Mount: s.mount, MaxBody: int64(s.maxBody), Slots: &server.Slots{Calls: s.calls}, Logger: logger}
	p.handler.Push = &push.Policy{Off: s.noPush, HintHTTP1: s.hints1, Logger: logger}
	if s.pushMap != "" {
		if p.handler.Push.Map, err = push.ReadMap(s.pushMap); err != nil {
			return nil, runError{err}
		}
	}
	if s.tlsCert != "" {
		if p.pair, err = loadKeyPair(s.tlsCert, s.tlsKey); err != nil {
			return nil, runError{err}
		}
	}
	return p, nil
}

// serve serves until ctx ends or a signal comes, and then until the requests that were begun are answered
// or another signal comes.
func (p *process) serve(ctx context.Context, stderr io.Writer) error {
	listeners, err := p.listen()
	if err != nil {
		return err
	}
	// All signals are caught before a line says that they may come.
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	defer signal.Stop(hangup)
	ends := make(chan os.Signal, 2)
	signal.Notify(ends, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(ends)
	ctx, stop := context.WithCancel(ctx)

	defer p.live.Close()
	var background sync.WaitGroup
	defer background.Wait()
	defer stop() // before the wait
	background.Go(func() { p.reload(ctx, hangup) })
	if p.settings.watch && p.app.dir != "" {
		target := watch.Target{Live: p.live, Dir: p.app.dir}
		if p.develop != nil {
			target.Changed, target.Others = p.develop.loaded, p.develop.shown.Changed
		}
		background.Go(func() { watch.Run(ctx, p.logger, target) })
	}
	for _, l := range listeners {
		fmt.Fprintf(stderr, "listening on %s\n", l.URL)
	}
	g := server.Group{Handler: p.handler, Drain: p.settings.drain, XNet: p.settings.http2 == "x-net", Logger: p.logger}
	if p.develop != nil {
		g.Handler = p.develop.front
		defer context.AfterFunc(ctx, p.develop.pages.Close)()
		p.develop.greet(stderr, listeners)
	}
	served := make(chan error, 1)
	go func() { served <- g.Serve(ctx, listeners...) }()
	for {
		select {
		case <-ends:
			if ctx.Err() != nil {
				return runError{errors.New("told twice to end: requests were cut off")}
			}
			stop()
		case err := <-served:
			switch {
			case err != nil && ctx.Err() != nil:
				// It was told to end, and has: the requests that took too long are lost, not the server.
				p.logger.Warn(err.Error())
			case err != nil:
				return runError{err}
			}
			return nil
		}
	}
}

// listen opens all listeners, or none.
func (p *process) listen() ([]*server.Listener, error) {
	var config *tls.Config
	if p.pair != nil {
		config = &tls.Config{GetCertificate: p.pair.certificate}
	}
	var listeners []*server.Listener
	for _, where := range p.settings.listen {
		l, err := server.Listen(where, config)
		if err == nil {
			listeners = append(listeners, l)
			continue
		}
		for _, l := range listeners {
			l.Close()
		}
		if errors.Is(err, server.ErrAddress) {
			return nil, err
		}
		return nil, runError{err}
	}
	return listeners, nil
}

// reload loads the program and the certificate again at each hangup, until ctx ends.
func (p *process) reload(ctx context.Context, hangup <-chan os.Signal) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-hangup:
		}
		if p.pair != nil {
			if err := p.pair.load(); err != nil {
				p.logger.Error("reload failed, the last good certificate serves on", slog.Any("error", err))
			}
		}
		before := p.live.Status().Generation
		err := p.live.Reload()
		after := p.live.Status().Generation
		if p.develop != nil && (err != nil || after != before) {
			p.develop.loaded(err)
		}
		switch {
		case err != nil:
			p.logger.Error("reload failed, the last good version serves on", slog.Any("error", err), slog.Uint64("generation", after))
		case after == before:
			p.logger.Info("nothing to reload: the files are the same", slog.Uint64("generation", after))
		default:
			p.logger.Info("reloaded", slog.Uint64("generation", after))
		}
	}
}
