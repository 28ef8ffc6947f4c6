package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"time"
	"unicode"
)

// A console is a slog.Handler for a person: time, message and attributes in a line, and a backtrace as
// the lines that it has. It is safe for concurrent use.
type console struct {
	mu    *sync.Mutex // guards w, for all consoles that were made of one
	w     io.Writer
	attrs []slog.Attr
}

// newLogger returns the logger for a person at a terminal.
func newLogger(w io.Writer) *slog.Logger {
	return slog.New(&console{mu: new(sync.Mutex), w: w})
}

func (c *console) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelInfo }

func (c *console) Handle(_ context.Context, r slog.Record) error {
	var line, below bytes.Buffer
	fmt.Fprintf(&line, "%s ", r.Time.Format("15:04:05"))
	if r.Level != slog.LevelInfo {
		fmt.Fprintf(&line, "%s ", r.Level)
	}
	line.WriteString(indent(plain(r.Message)))
	add := func(a slog.Attr) bool {
		v := a.Value.Resolve()
		switch text := plain(v.String()); {
		case a.Key == "request": // for machines
		case v.Kind() == slog.KindDuration:
			fmt.Fprintf(&line, " %s", v.Duration().Round(10*time.Microsecond))
		case strings.Contains(text, "\n"):
			fmt.Fprintf(&below, "         %s\n", indent(strings.TrimRight(text, "\n")))
		default:
			fmt.Fprintf(&line, " %s=%s", a.Key, text)
		}
		return true
	}
	for _, a := range c.attrs {
		add(a)
	}
	r.Attrs(add)
	line.WriteByte('\n')
	line.Write(below.Bytes())
	c.mu.Lock()
	defer c.mu.Unlock()
	_, err := c.w.Write(line.Bytes())
	return err
}

// plain shows what would steer a terminal.
func plain(s string) string {
	steers := func(r rune) bool { return r != '\n' && r != '\t' && unicode.IsControl(r) }
	if strings.IndexFunc(s, steers) < 0 {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if steers(r) {
			fmt.Fprintf(&b, "\\x%02x", r)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

func indent(s string) string { return strings.ReplaceAll(s, "\n", "\n         ") }

func (c *console) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &console{mu: c.mu, w: c.w, attrs: append(c.attrs[:len(c.attrs):len(c.attrs)], attrs...)}
}

// WithGroup forgets the group: nothing here uses one.
func (c *console) WithGroup(string) slog.Handler { return c }
