package server

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/larkspur-web/larkspur/server/h2"
)

// A Group serves one handler on any number of listeners, and ends them together. Both can be
// changed while it serves: see [Group.Set]. It serves once. It must not be copied, nor its fields
// changed, once it is in use.
type Group struct {
	// Handler answers every request, until Set gives another one.
	Handler http.Handler
	// Drain is how long requests that were begun may take to end once the group is told to, or the
	// listener that they came by is taken away. Zero means 30 seconds.
	Drain time.Duration
	// MaxConns is how many connections there are at once on all of the listeners, whichever HTTP
	// they speak. For one more, the one that has been idle longest is closed. Zero means
	// [DefaultMaxConns].
	MaxConns int
	// Engine serves HTTP/2 on all of the listeners. Nil means one with default limits that offers
	// WebSockets by an extended CONNECT, which a [Front] makes the same for all that is behind it as
	// those over HTTP/1.1.
	Engine *h2.Server
	// XNet serves HTTP/2 as [ConfigureXNet] does, without an Engine.
	XNet bool
	// Logger receives what goes wrong below HTTP. Nil means slog.Default().
	Logger *slog.Logger

	handler atomic.Pointer[http.Handler] // that answers now
	once    sync.Once                    // makes failed and engine
	failed  chan error                   // why a listener that nobody closed accepts no more
	engine  *h2.Server
	conns   conns
	running sync.WaitGroup // endpoints that serve or drain

	mu        sync.Mutex // guards what follows
	stage     stage
	endpoints []*endpoint
}

// A stage is how far a group has come.
type stage int

const (
	unserved stage = iota
	serving
	ended // it takes nothing any more
)

const defaultDrain = 30 * time.Second

var (
	errServed = errors.New("server: the group has served already")
	errCut    = errors.New("requests were still running when the time to drain was over")
)

// Serve serves listeners, and those that Set has given it before, until ctx ends or one of them
// fails, then drains: no new connection is taken, idle ones are closed (HTTP/2 ones by GOAWAY),
// WebSockets and EventSources of applications are told to come again, and requests that were begun are
// answered. It returns nil if every request was, and closes the listeners in any case.
func (g *Group) Serve(ctx context.Context, listeners ...*Listener) error {
	if err := g.begin(ctx, listeners); err != nil {
		return err
	}
	var err error
	select {
	case <-ctx.Done():
	case err = <-g.failed:
	}
	g.mu.Lock()
	g.stage = ended
	last := g.endpoints
	g.endpoints = nil
	g.mu.Unlock()

	late := make(chan error, len(last))
	for _, e := range last {
		g.running.Go(func() { late <- e.drain(ctx, g.drain()) })
	}
	g.running.Wait() // what was taken away began to drain before, and has no more time than these
	for range last {
		if e := <-late; e != nil {
			return errors.Join(err, e) // once, for all of them
		}
	}
	return err
}

// begin has the group serve until ctx ends.
func (g *Group) begin(ctx context.Context, listeners []*Listener) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if ctx == nil {
		closeAll(listeners)
		return errors.New("server: Serve: nil context.Context: context.Background() never ends")
	}
	if g.stage != unserved {
		closeAll(listeners)
		return errServed
	}
	fresh, err := g.add(g.new(listeners))
	if err != nil {
		closeAll(listeners)
		return err // as it was, but for the listeners
	}
	if g.handler.Load() == nil {
		g.setHandler(g.Handler)
	}
	g.stage = serving
	g.endpoints = append(g.endpoints, fresh...)
	for _, e := range g.endpoints {
		g.start(e)
	}
	return nil
}

// Set has the group answer with handler from now on, and on these listeners, whether it serves
// already or is going to. A request that has begun is answered by the handler that it began with.
//
// A listener that stays loses no connection, and none of its connections sees a change but of the
// handler. A new one is served before an old one is taken away, which then drains as at the end
// of Serve, in the background, and is closed. If Set returns an error nothing has changed but
// that the new ones are closed.
func (g *Group) Set(handler http.Handler, listeners ...*Listener) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	fresh := g.new(listeners)
	added, err := g.add(fresh)
	if g.stage == ended {
		err = http.ErrServerClosed
	}
	if err != nil {
		closeAll(fresh)
		return err
	}
	g.setHandler(handler)
	stay, gone := added, []*endpoint(nil)
	for _, e := range g.endpoints {
		if slices.Contains(listeners, e.listener) {
			stay = append(stay, e)
		} else {
			gone = append(gone, e)
		}
	}
	g.endpoints = stay
	if g.stage == unserved {
		for _, e := range gone {
			e.listener.Close()
		}
		return nil
	}
	for _, e := range added {
		g.start(e)
	}
	for _, e := range gone {
		g.running.Go(func() {
			if err := e.drain(context.Background(), g.drain()); err != nil {
				orDefault(g.Logger).Warn(err.Error(), slog.String("listener", e.listener.URL))
			}
		})
		e.unlisten() // so that the address can be listened on again
	}
	return nil
}

// setHandler sets the handler that answers; nil is that of net/http.
func (g *Group) setHandler(h http.Handler) {
	if h == nil {
		h = http.DefaultServeMux
	}
	g.handler.Store(&h)
}

// new returns those of the listeners that are not the group's yet, each once. The lock is held.
func (g *Group) new(listeners []*Listener) []*Listener {
	var fresh []*Listener
	for _, l := range listeners {
		served := slices.ContainsFunc(g.endpoints, func(e *endpoint) bool { return e.listener == l })
		if !served && !slices.Contains(fresh, l) {
			fresh = append(fresh, l)
		}
	}
	return fresh
}

// add makes endpoints for listeners.
func (g *Group) add(listeners []*Listener) ([]*endpoint, error) {
	g.once.Do(func() {
		g.failed = make(chan error, 1)
		g.conns.max, g.conns.early = g.MaxConns, true
		if g.engine = g.Engine; g.engine == nil {
			// What is not made for it is behind a Front as a rule, which makes of it what all know.
			g.engine = &h2.Server{ExtendedConnect: true}
		}
	})
	var added []*endpoint
	for _, l := range listeners {
		if l == nil {
			return nil, errors.New("server: a nil Listener: the error of Listen says why")
		}
		e, err := g.endpoint(l)
		if err != nil {
			return nil, err
		}
		added = append(added, e)
	}
	return added, nil
}

// start has e serve. A listener that fails is the end of the group.
func (g *Group) start(e *endpoint) {
	g.running.Go(func() {
		if err := e.serve(); err != nil {
			select {
			case g.failed <- err:
			default: // another one did
			}
		}
	})
}

func (g *Group) drain() time.Duration {
	if g.Drain == 0 {
		return defaultDrain
	}
	return g.Drain
}

func closeAll(listeners []*Listener) {
	for _, l := range listeners {
		if l != nil {
			l.Close()
		}
	}
}
