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
}

// endpoint makes one of the group's.
func (g *Group) endpoint(l *Listener) (*endpoint, error) {
	s := &http.Server{Handler: (*front)(g)}
	s.ErrorLog = slog.NewLogLogger(g.logger().Handler(), slog.LevelDebug)
	if g.XNet {
		return &endpoint{l, s}, ConfigureXNet(s)
	}
	harden(s)
	return &endpoint{l, s}, g.engine.Configure(s)
}

// serve serves until the listener fails, with that error, or is closed by drain.
func (e *endpoint) serve() error {
	err := e.server.Serve(e.listener)
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// drain ends e: at once where nothing runs, and by force when the time is over.
func (e *endpoint) drain(ctx context.Context, limit time.Duration) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
	defer cancel()
	err := e.server.Shutdown(ctx)
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
	(*f.handler.Load()).ServeHTTP(w, r)
}
