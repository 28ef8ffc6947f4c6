package site

import (
	"context"
	"log/slog"

	"github.com/larkspur-web/larkspur/runtime/tee"
)

// said is where applications log. What they log to find a fault is shown while they are developed.
func (s *Server) said() *slog.Logger {
	if !s.Develop {
		return s.log
	}
	logger := s.Logger
	if logger == nil {
		logger = slog.Default()
	}
	return slog.New(tee.New(verbose{logger.Handler()}))
}

// A verbose handler takes records of every level.
type verbose struct{ slog.Handler }

func (verbose) Enabled(context.Context, slog.Level) bool { return true }

func (v verbose) WithAttrs(attrs []slog.Attr) slog.Handler {
	return verbose{v.Handler.WithAttrs(attrs)}
}

func (v verbose) WithGroup(name string) slog.Handler { return verbose{v.Handler.WithGroup(name)} }
