package suite

import (
	"context"
	"log/slog"
	"sync/atomic"
)

// hush is a handler of logs that drops what comes while it is on: a file that is loaded again says
// what it said the first time.
type hush struct {
	slog.Handler
	on *atomic.Bool
}

// hushed returns a logger that logs to l unless on; nil means slog.Default().
func hushed(l *slog.Logger, on *atomic.Bool) *slog.Logger {
	if l == nil {
		l = slog.Default()
	}
	return slog.New(hush{l.Handler(), on})
}

func (h hush) Enabled(ctx context.Context, l slog.Level) bool {
	return !h.on.Load() && h.Handler.Enabled(ctx, l)
}

func (h hush) Handle(ctx context.Context, r slog.Record) error {
	if h.on.Load() {
		return nil
	}
	return h.Handler.Handle(ctx, r)
}

func (h hush) WithAttrs(attrs []slog.Attr) slog.Handler {
	return hush{h.Handler.WithAttrs(attrs), h.on}
}

func (h hush) WithGroup(name string) slog.Handler { return hush{h.Handler.WithGroup(name), h.on} }
