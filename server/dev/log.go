package dev

import (
	"context"
	"log/slog"
	"strings"
)

// Recorder returns a slog.Handler that hands on to next, and adds what is logged for a request to the record of it. The request is
// known by the context that is logged with.
func Recorder(next slog.Handler) slog.Handler { return recorder{next} }

type recorder struct{ slog.Handler }

// Enabled reports true for what a person wants to know of a request, also where it is logged nowhere else.
func (h recorder) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelInfo && recordOf(ctx) != nil || h.Handler.Enabled(ctx, level)
}

func (h recorder) Handle(ctx context.Context, r slog.Record) error {
	if rec := recordOf(ctx); rec != nil {
		line := logLine{Level: r.Level.String(), Text: r.Message}
		file, number := "", ""
		r.Attrs(func(a slog.Attr) bool {
			switch a.Key {
			case "file":
				file = a.Value.String()
			case "line":
				number = ":" + a.Value.String()
			case "place":
				line.Place = a.Value.String()
			case "method", "path", "status", "request", "backtrace": // the record has them
			case "code":
				line.Text = a.Value.String() + " " + strings.TrimPrefix(line.Text, a.Value.String()+" ")
			default:
				line.Text += " " + a.Key + "=" + a.Value.String()
			}
			return true
		})
		if line.Place == "" && file != "" {
			line.Place = file + number
		}
		rec.log(line)
	}
	if !h.Handler.Enabled(ctx, r.Level) {
		return nil
	}
	return h.Handler.Handle(ctx, r)
}

func (h recorder) WithAttrs(attrs []slog.Attr) slog.Handler {
	return recorder{h.Handler.WithAttrs(attrs)}
}

func (h recorder) WithGroup(name string) slog.Handler { return recorder{h.Handler.WithGroup(name)} }
