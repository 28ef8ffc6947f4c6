package main

import (
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"
)

// TestConsole shows what a person sees of a record.
func TestConsole(t *testing.T) {
	cases := []struct {
		log  func(*slog.Logger)
		want string // after the time
	}{
		{func(l *slog.Logger) {
			l.Info("GET /", "status", 200, "time", 1234567*time.Nanosecond, "request", "1-1")
		}, "GET / status=200 1.23ms\n"},
		{func(l *slog.Logger) { l.Error("it failed", "error", errors.New("why")) }, "ERROR it failed error=why\n"},
		{func(l *slog.Logger) { l.Warn("two\nlines") }, "WARN two\n         lines\n"},
		{func(l *slog.Logger) { l.Error("it failed", "backtrace", "one\n  two\n", "code", "X") }, "ERROR it failed code=X\n         one\n           two\n"},
		{func(l *slog.Logger) { l.With("app", "blog").Info("hi") }, "hi app=blog\n"},
		{func(l *slog.Logger) { l.Info("\x1b[2Jgone\r") }, "\\x1b[2Jgone\\x0d\n"},
		{func(l *slog.Logger) { l.Debug("not for people") }, ""},
	}
	for _, c := range cases {
		var b strings.Builder
		c.log(newLogger(&b))
		got := b.String()
		if got != "" {
			_, got, _ = strings.Cut(got, " ")
		}
		if got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}
