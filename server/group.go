package server

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"time"
)

// A Group serves one handler on any number of listeners, and ends them together. Only Handler is
// required. It serves once, and must not be changed after that.
type Group struct {
	// Handler answers every request.
	Handler http.Handler
	// Drain is how long requests that were begun may take to end once the group is told to. Zero means
	// 30 seconds.
	Drain time.Duration
	// XNet serves HTTP/2 as [ConfigureXNet] does, not as [Configure] does.
	XNet bool
	// Logger receives what goes wrong below HTTP. Nil means slog.Default().
	Logger *slog.Logger
}

const defaultDrain = 30 * time.Second

// Serve serves listeners until ctx ends or one of them fails, then drains: no new connection is
// taken, idle ones are closed (HTTP/2 ones by GOAWAY), and requests that were begun are answered. It
// returns nil if every request was, and closes the listeners in any case.
func (g *Group) Serve(ctx context.Context, listeners ...*Listener) error {
	logger := g.Logger
	if logger == nil {
		logger = slog.Default()
	}
	s := &http.Server{Handler: g.Handler, ErrorLog: slog.NewLogLogger(logger.Handler(), slog.LevelDebug)}
	configure := Configure
	if g.XNet {
		configure = ConfigureXNet
	}
	if err := configure(s); err != nil {
		return err
	}
	failed := make(chan error, len(listeners))
	var serving sync.WaitGroup
	for _, l := range listeners {
		serving.Go(func() {
			if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
				failed <- err
			}
		})
	}
	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
	}
	drain := g.Drain
	if drain == 0 {
		drain = defaultDrain
	}
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), drain)
	defer cancel()
	if e := s.Shutdown(ending); e != nil {
		s.Close()
		err = errors.Join(err, errors.New("requests were still running when the time to drain was over"))
	}
	serving.Wait()
	return err
}
