package server

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"
)

// An endpoint is one listener of a [Group] with a server of its own, so that it can drain while the
// others serve. What is bounded for the process is the engine's, which they share.
type endpoint struct {
	listener *Listener
	server   *http.Server
	conns    *conns
	sockets  *sockets
	shutting chan struct{} // closed once the server takes no connection any more
}

// endpoint makes one of the group's.
func (g *Group) endpoint(l *Listener) (*endpoint, error) {
	s := &http.Server{Handler: (*front)(g), DisableGeneralOptionsHandler: true}
	e := &endpoint{listener: l, server: s, conns: &g.conns, shutting: make(chan struct{})}
	l.conns, l.logger = &g.conns, g.Logger
	s.RegisterOnShutdown(func() { close(e.shutting) })
	s.ErrorLog = slog.NewLogLogger(orDefault(g.Logger).Handler(), slog.LevelDebug)
	e.sockets = harden(s, &g.conns)
	if g.XNet {
		return e, configureXNet(s)
	}
	return e, g.engine.Configure(s)
}

// serve serves until the listener fails, with that error, or is closed by drain.
func (e *endpoint) serve() error {
	err := e.server.Serve(e.listener)
	if errors.Is(err, http.ErrServerClosed) {
		e.conns.endSilent(e.server) // those, too, that came while it was told to end
		return nil
	}
	return err
}

// unlisten frees the address of e, which drains or is about to. Not sooner: the server would take
// it for a failure of the listener.
func (e *endpoint) unlisten() {
	<-e.shutting
	e.listener.Close() // the server has closed it, unless it was not serving yet
}

// drain ends e: at once where nothing runs, and by force when the time is over.
func (e *endpoint) drain(ctx context.Context, limit time.Duration) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
	defer cancel()
	err := e.server.Shutdown(ctx)
	e.sockets.wait(ctx)
	if ctx.Err() == nil {
		return err // the listener's, which is closed all the same
	}
	e.server.Close()
	return errCut
}

// A front is a group as the handler of its servers: a request is for the handler that there is
// when it begins.
type front Group

func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodOptions && r.RequestURI == "*" {
		options(w, r) // net/http would wait for the body as long as it takes
		return
	}
	e := beginning(r)
	(*f.handler.Load()).ServeHTTP(w, r)
	e.end()
}
