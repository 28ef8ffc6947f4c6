package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/larkspur-web/larkspur/runtime/display"
	"github.com/larkspur-web/larkspur/runtime/host"
)

// A console is a slog.Handler for a person: time, message and attributes in a line, and below it
// what has lines of its own: a backtrace, the script around the place of an error. It is safe for
// concurrent use.
type console struct {
	mu      *sync.Mutex // guards w, for all consoles that were made of one
	w       io.Writer
	palette display.Palette
	excerpt func(host.Place) []host.Line // nil shows none
	// ran returns the script that ran in a context, nil if it is what excerpt reads. It may be nil.
	ran   func(ctx context.Context, file string) []byte
	attrs []slog.Attr
}

// newConsole returns the console for a person who looks at w. The lines of scripts come from
// excerpt, if it is not nil.
func newConsole(w io.Writer, excerpt func(host.Place) []host.Line) *console {
	return &console{mu: new(sync.Mutex), w: w, palette: display.PaletteOf(w), excerpt: excerpt}
}

// newLogger returns a logger for a person at a terminal.
func newLogger(w io.Writer) *slog.Logger { return slog.New(newConsole(w, nil)) }

// status shows the status of a response in the colour of its class.
func (c *console) status(n int64) string {
	color := display.Green
	switch {
	case n >= 500:
		color = display.Red
	case n >= 400:
		color = display.Yellow
	case n >= 300:
		color = display.Cyan
	}
	return c.palette.In(color, strconv.FormatInt(n, 10))
}

func (c *console) Enabled(_ context.Context, level slog.Level) bool {
	return level >= slog.LevelInfo
}

func (c *console) Handle(ctx context.Context, r slog.Record) error {
	var line, below bytes.Buffer
	fmt.Fprintf(&line, "%s ", c.palette.In(display.Faint, r.Time.Format("15:04:05")))
	switch {
	case r.Level >= slog.LevelError:
		fmt.Fprintf(&line, "%s ", c.palette.In(display.Red, r.Level.String()))
	case r.Level != slog.LevelInfo:
		fmt.Fprintf(&line, "%s ", c.palette.In(display.Yellow, r.Level.String()))
	}
	line.WriteString(indent(display.Escape(r.Message)))
	add := func(a slog.Attr) bool {
		c.add(ctx, &line, &below, a)
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

// add writes an attribute behind the line, or below it.
func (c *console) add(ctx context.Context, line, below *bytes.Buffer, a slog.Attr) {
	v := a.Value.Resolve()
	text := display.Escape(v.String())
	switch a.Key {
	case "request": // for machines
		return
	case "place":
		if at, ok := host.ParsePlace(text); ok {
			c.quote(ctx, below, at)
		}
	case "status":
		if v.Kind() == slog.KindInt64 {
			fmt.Fprintf(line, " %s", c.status(v.Int64()))
			return
		}
	case "bytes", "proto":
		fmt.Fprintf(line, " %s", c.palette.In(display.Faint, a.Key+"="+text))
		return
	case "error":
		var found host.Diagnostics
		if err, ok := v.Any().(error); ok && errors.As(err, &found) && len(found) > 0 {
			c.quote(ctx, below, found[0].Place)
		}
	}
	switch v.Kind() {
	case slog.KindDuration:
		text = v.Duration().Round(10 * time.Microsecond).String()
		if a.Key == "time" || a.Key == "took" { // of what the message says
			fmt.Fprintf(line, " %s", text)
			return
		}
	case slog.KindTime:
		text = v.Time().Format(time.RFC3339)
	}
	switch {
	case strings.Contains(text, "\n"):
		fmt.Fprintf(below, "         %s\n", indent(strings.TrimRight(text, "\n")))
	default:
		fmt.Fprintf(line, " %s=%s", a.Key, text)
	}
}

// quote writes the script around a place.
func (c *console) quote(ctx context.Context, below *bytes.Buffer, at host.Place) {
	if c.excerpt == nil {
		return
	}
	var lines []host.Line
	if c.ran != nil {
		lines = host.ExcerptFrom(bytes.NewReader(c.ran(ctx, at.File)), at, around)
	}
	if len(lines) == 0 {
		lines = c.excerpt(at)
	}
	for _, l := range lines {
		mark, color := " ", display.Faint
		if l.Here {
			mark, color = ">", display.Bold
		}
		row := fmt.Sprintf("%s %4d  %s", mark, l.Number, display.Escape(l.Text))
		fmt.Fprintf(below, "         %s\n", c.palette.In(color, row))
	}
}

func indent(s string) string { return strings.ReplaceAll(s, "\n", "\n         ") }

func (c *console) WithAttrs(attrs []slog.Attr) slog.Handler {
	with := *c
	with.attrs = append(c.attrs[:len(c.attrs):len(c.attrs)], attrs...)
	return &with
}

// WithGroup forgets the group: nothing here uses one.
func (c *console) WithGroup(string) slog.Handler { return c }
