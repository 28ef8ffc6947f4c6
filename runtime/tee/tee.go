// Package tee hands what is logged for a request, or for a test, to whoever collects it, beside the
// log. It imports the standard library only, and any package may import it.
//
// # The model
//
// [With] attaches a [Sink] to a context. A [Handler] gives each record to the sinks of the context
// that the record is logged in, the one that was attached last first, and then to the next handler.
// So one logger serves all requests, and a request that a test makes is collected for both.
package tee

import (
	"context"
	"log/slog"
	"slices"
)

// A Sink is given the records that are logged in its context, on the goroutine that logs. It
// reports whether it has dealt with the record, which then goes no further.
type Sink func(r slog.Record) (done bool)

// A node is a sink of a context, and those that were attached before it.
type node struct {
	sink  Sink
	outer *node // nil if there are none
}

// key is the key of the innermost node among the values of a context.
type key struct{}

func sinks(ctx context.Context) *node {
	n, _ := ctx.Value(key{}).(*node)
	return n
}

// With returns ctx with the sink.
func With(ctx context.Context, s Sink) context.Context {
	return context.WithValue(ctx, key{}, &node{s, sinks(ctx)})
}

// Watched reports whether ctx has a sink, which wants to be given every record.
func Watched(ctx context.Context) bool { return sinks(ctx) != nil }

// A Handler is a [slog.Handler]. Use [New].
type Handler struct {
	next  slog.Handler // nil drops what comes to it
	attrs []slog.Attr  // of the logger
}

var _ slog.Handler = (*Handler)(nil)

// New returns a handler that passes on to next what no sink has dealt with. Nil drops that.
func New(next slog.Handler) *Handler {
	if h, ok := next.(*Handler); ok {
		return h // else its sinks would be given everything twice
	}
	return &Handler{next: next}
}

// sunk is the least level of what sinks are given: what a person wants to know.
const sunk = slog.LevelInfo

// Enabled reports true also for what only a sink is given.
func (h *Handler) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= sunk && sinks(ctx) != nil || h.next != nil && h.next.Enabled(ctx, level)
}

// Handle gives the record, with the attributes of the logger, to the sinks, and to the next handler
// without them, which has them.
func (h *Handler) Handle(ctx context.Context, r slog.Record) error {
	if n := sinks(ctx); n != nil && r.Level >= sunk {
		whole := h.whole(r)
		for ; n != nil; n = n.outer {
			if n.sink(whole) {
				return nil
			}
		}
	}
	if h.next == nil || !h.next.Enabled(ctx, r.Level) {
		return nil
	}
	return h.next.Handle(ctx, r)
}

// whole returns the record with the attributes of the logger before its own.
func (h *Handler) whole(r slog.Record) slog.Record {
	if len(h.attrs) == 0 {
		return r
	}
	whole := slog.NewRecord(r.Time, r.Level, r.Message, r.PC)
	whole.AddAttrs(h.attrs...)
	r.Attrs(func(a slog.Attr) bool {
		whole.AddAttrs(a)
		return true
	})
	return whole
}

// WithAttrs returns a handler of a logger with the attributes.
func (h *Handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	with := &Handler{next: h.next, attrs: slices.Concat(h.attrs, attrs)}
	if h.next != nil {
		with.next = h.next.WithAttrs(attrs)
	}
	return with
}

// WithGroup groups for the next handler only: a sink knows attributes by their own names.
func (h *Handler) WithGroup(name string) slog.Handler {
	if h.next == nil {
		return h
	}
	return &Handler{next: h.next.WithGroup(name), attrs: h.attrs}
}
