package main

import (
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/larkspur-web/larkspur/runtime/host"
)

// TestConsole shows what a person sees of a record.
func TestConsole(t *testing.T) {
	cases := []struct {
		log  func(*slog.Logger)
		want string // after the time
	}{
		{func(l *slog.Logger) {
			l.Info("GET /", "status", 200, "time", 1234567*time.Nanosecond, "request", "1-1")
		}, "GET / 200 1.23ms\n"},
		{func(l *slog.Logger) { l.Error("it failed", "error", errors.New("why")) }, "ERROR it failed error=why\n"},
		{func(l *slog.Logger) { l.Warn("two\nlines") }, "WARN two\n         lines\n"},
		{func(l *slog.Logger) { l.Error("it failed", "backtrace", "one\n  two\n", "code", "X") }, "ERROR it failed code=X\n         one\n           two\n"},
		{func(l *slog.Logger) {
			l.Warn("it failed", "took", 2*time.Millisecond, "after", time.Second)
		}, "WARN it failed 2ms after=1s\n"},
		{func(l *slog.Logger) {
			l.Info("called", "due", time.Date(2026, 11, 27, 23, 36, 18, 646261189, time.UTC))
		}, "called due=2026-11-27T23:36:18Z\n"},
		{func(l *slog.Logger) { l.With("app", "blog").Info("hi") }, "hi app=blog\n"},
		{func(l *slog.Logger) { l.Info("\x1b[2Jgone\r") }, "\\x1b[2Jgone\\x0d\n"},
		{func(l *slog.Logger) { l.Debug("not for people") }, ""},
		{func(l *slog.Logger) { l.Error("it failed", "place", "a.star:7:3") }, "ERROR it failed place=a.star:7:3\n              6  above\n         >    7  here\n"},
	}
	for _, c := range cases {
		var b strings.Builder
		c.log(slog.New(newConsole(&b, linesOf)))
		got := b.String()
		if got != "" {
			_, got, _ = strings.Cut(got, " ")
		}
		if got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

func linesOf(at host.Place) []host.Line {
	if at != (host.Place{File: "a.star", Line: 7, Col: 3}) {
		return nil
	}
	return []host.Line{{Number: 6, Text: "above"}, {Number: 7, Text: "here", Here: true}}
}

// TestConsoleColors holds what is coloured for a terminal.
func TestConsoleColors(t *testing.T) {
	var b strings.Builder
	c := newConsole(&b, linesOf)
	c.palette = true
	l := slog.New(c)
	for _, status := range []int{200, 304, 404, 500} {
		l.Info("GET /", "status", status)
	}
	l.Error("it failed", "place", "a.star:7:3")
	for _, want := range []string{" GET / \x1b[32m200\x1b[0m\n", "\x1b[36m304\x1b[0m\n", "\x1b[33m404\x1b[0m\n", "\x1b[31m500\x1b[0m\n", "\x1b[31mERROR\x1b[0m it failed", "\x1b[1m>    7  here\x1b[0m\n"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("%q lacks %q", b.String(), want)
		}
	}
}
