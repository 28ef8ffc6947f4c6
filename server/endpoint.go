package server

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"
)

// An endpoint is one listener of a [Group] with a server of its own, so that it can drain while the
// others serve. What is bounded for the process is the engine's, which they share.
type endpoint struct {
	listener *Listener
	server   *http.Server
	conns    *conns
	sockets  *sockets
	leaving  atomic.Bool   // it is about to end, and clients are told
	shutting chan struct{} // closed once the server takes no connection any more
}

// endpoint makes one of the group's.
func (g *Group) endpoint(l *Listener) (*endpoint, error) {
	s := &http.Server{DisableGeneralOptionsHandler: true}
	e := &endpoint{listener: l, server: s, conns: &g.conns, shutting: make(chan struct{})}
	s.Handler = &entrance{g, e}
	l.conns, l.logger = &g.conns, g.Logger
	s.RegisterOnShutdown(func() { close(e.shutting) })
	s.ErrorLog = slog.NewLogLogger(orDefault(g.Logger).Handler(), slog.LevelDebug)
	e.sockets = harden(s, &g.conns)
	if g.XNet {
		return e, configureXNet(s)
	}
	if err := g.engine.Configure(s); err != nil {
		return nil, err
	}
	for protocol, serve := range s.TLSNextProto {
		s.TLSNextProto[protocol] = func(s *http.Server, c *tls.Conn, h http.Handler) {
			g.conns.speaksHTTP2(c)
			serve(s, c, h)
		}
	}
	return e, nil
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

// settleTime is how long, at the end, a client may take that has connected, or had an answer on a
// connection of HTTP/1, to send the request that may be under way already. It is answered, and told
// that the connection ends.
const settleTime = time.Second

// settle waits for such requests.
func (e *endpoint) settle(limit time.Duration) {
	e.leaving.Store(true)
	e.listener.halt()
	look := time.NewTicker(5 * time.Millisecond)
	defer look.Stop()
	limit = min(limit/2, settleTime)
	for began := time.Now(); time.Since(began) < limit && e.conns.fresh(e.server, e.listener, limit); {
		<-look.C
	}
}

// drain ends e: soon where nothing runs, and by force when the time is over.
func (e *endpoint) drain(ctx context.Context, limit time.Duration) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
	defer cancel()
	e.sockets.end()
	e.settle(limit)
	err := e.server.Shutdown(ctx)
	e.sockets.wait(ctx)
	if ctx.Err() == nil {
		return err // the listener's, which is closed all the same
	}
	e.server.Close()
	return errCut
}

// An entrance is the handler of an endpoint: a request is for the handler of the group that there is
// when it begins.
type entrance struct {
	group *Group
	*endpoint
}

func (e *entrance) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.ProtoMajor == 1 && e.leaving.Load() {
		w.Header().Set("Connection", "close") // RFC 9112, section 9.6
	}
	if r.Method == http.MethodOptions && r.RequestURI == "*" {
		options(w, r) // net/http would wait for the body as long as it takes
		return
	}
	h := e.listener.Handler
	if h == nil {
		h = *e.group.handler.Load()
	}
	end := beginning(r)
	h.ServeHTTP(w, r)
	end.end()
}
