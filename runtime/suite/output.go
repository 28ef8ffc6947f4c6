package suite

import (
	"context"
	"log/slog"
	"strconv"
	"strings"
	"sync"
)

// An output gathers what one test logs. It is safe for concurrent use.
type output struct {
	mu    sync.Mutex
	lines []string
}

// outputKey is the key of a test's output among the values of its context.
type outputKey struct{}

func (o *output) add(line string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.lines = append(o.lines, line)
}

func (o *output) taken() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.lines
}

// Log returns a handler that gives each record to the test in whose context it is logged, as a line of its
// Output; a record of no test (a print() while a file is loaded) goes to next.
func Log(next slog.Handler) slog.Handler { return &handler{next: next} }

type handler struct {
	next  slog.Handler
	attrs []slog.Attr
}

func (h *handler) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelInfo }

func (h *handler) Handle(ctx context.Context, r slog.Record) error {
	out, ok := ctx.Value(outputKey{}).(*output)
	if !ok {
		return h.next.Handle(ctx, r)
	}
	out.add(h.line(&r))
	return nil
}

// line is the place in a script that logged, if it is known, the message, and what a person wants to know besides.
func (h *handler) line(r *slog.Record) string {
	var place, more strings.Builder
	add := func(a slog.Attr) bool {
		switch v := a.Value.Resolve(); a.Key {
		case "file":
			place.WriteString(v.String())
		case "line":
			place.WriteString(":" + v.String() + ": ")
		case "request", "backtrace": // for machines; shown with the failure
		default:
			text := v.String()
			if strings.ContainsAny(text, " \n\"") {
				text = strconv.Quote(text)
			}
			more.WriteString(" " + a.Key + "=" + text)
		}
		return true
	}
	for _, a := range h.attrs {
		add(a)
	}
	r.Attrs(add)
	return place.String() + r.Message + more.String()
}

func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &handler{next: h.next.WithAttrs(attrs), attrs: append(h.attrs[:len(h.attrs):len(h.attrs)], attrs...)}
}

// WithGroup forgets the group: nothing here uses one.
func (h *handler) WithGroup(string) slog.Handler { return h }
