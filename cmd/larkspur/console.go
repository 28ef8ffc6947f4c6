package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/larkspur-web/larkspur/runtime"
)

// A console is a slog.Handler for a person: time, message and attributes in a line, and below it
// what has lines of its own: a backtrace, the script around the place of an error. It is safe for
// concurrent use.
type console struct {
	mu      *sync.Mutex // guards w, for all consoles that were made of one
	w       io.Writer
	paint   palette
	excerpt func(place string) []line // nil shows none
	attrs   []slog.Attr
}

// newConsole returns the console for a person who looks at w. The lines of scripts come from
// excerpt, if it is not nil.
func newConsole(w io.Writer, excerpt func(place string) []line) *console {
	return &console{mu: new(sync.Mutex), w: w, paint: paletteOf(w), excerpt: excerpt}
}

// newLogger returns a logger for a person at a terminal.
func newLogger(w io.Writer) *slog.Logger { return slog.New(newConsole(w, nil)) }

// A palette paints text, or leaves it as it is.
type palette bool

// paletteOf returns the palette for w: colours are for terminals, and not for those who do not want
// them (no-color.org).
func paletteOf(w io.Writer) palette {
	f, ok := w.(*os.File)
	if !ok || os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb" {
		return false
	}
	info, err := f.Stat()
	return palette(err == nil && info.Mode()&os.ModeCharDevice != 0)
}

// The colours, as the SGR parameters of ECMA-48.
const (
	bold   = "1"
	faint  = "2"
	red    = "31"
	green  = "32"
	yellow = "33"
	cyan   = "36"
)

func (p palette) in(colour, text string) string {
	if !p || text == "" {
		return text
	}
	return "\x1b[" + colour + "m" + text + "\x1b[0m"
}

// status paints the status of a response by its class.
func (p palette) status(n int64) string {
	colour := green
	switch {
	case n >= 500:
		colour = red
	case n >= 400:
		colour = yellow
	case n >= 300:
		colour = cyan
	}
	return p.in(colour, strconv.FormatInt(n, 10))
}

func (c *console) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelInfo }

func (c *console) Handle(_ context.Context, r slog.Record) error {
	var line, below bytes.Buffer
	fmt.Fprintf(&line, "%s ", c.paint.in(faint, r.Time.Format("15:04:05")))
	switch {
	case r.Level >= slog.LevelError:
		fmt.Fprintf(&line, "%s ", c.paint.in(red, r.Level.String()))
	case r.Level != slog.LevelInfo:
		fmt.Fprintf(&line, "%s ", c.paint.in(yellow, r.Level.String()))
	}
	line.WriteString(indent(plain(r.Message)))
	add := func(a slog.Attr) bool {
		c.add(&line, &below, a)
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
func (c *console) add(line, below *bytes.Buffer, a slog.Attr) {
	v := a.Value.Resolve()
	text := plain(v.String())
	switch a.Key {
	case "request": // for machines
		return
	case "place":
		c.quote(below, text)
	case "status":
		if v.Kind() == slog.KindInt64 {
			fmt.Fprintf(line, " %s", c.paint.status(v.Int64()))
			return
		}
	case "bytes", "proto":
		fmt.Fprintf(line, " %s", c.paint.in(faint, a.Key+"="+text))
		return
	case "error":
		var faults runtime.Diagnostics
		if err, ok := v.Any().(error); ok && errors.As(err, &faults) && len(faults) > 0 {
			c.quote(below, plain(fmt.Sprintf("%s:%d:%d", faults[0].File, faults[0].Line, faults[0].Col)))
		}
	}
	switch {
	case v.Kind() == slog.KindDuration:
		fmt.Fprintf(line, " %s", v.Duration().Round(10*time.Microsecond))
	case strings.Contains(text, "\n"):
		fmt.Fprintf(below, "         %s\n", indent(strings.TrimRight(text, "\n")))
	default:
		fmt.Fprintf(line, " %s=%s", a.Key, text)
	}
}

// quote writes the script around a place.
func (c *console) quote(below *bytes.Buffer, place string) {
	if c.excerpt == nil {
		return
	}
	for _, l := range c.excerpt(place) {
		row := fmt.Sprintf("  %4d  %s", l.number, plain(l.text))
		if l.here {
			row = c.paint.in(bold, fmt.Sprintf("> %4d  %s", l.number, plain(l.text)))
		} else {
			row = c.paint.in(faint, row)
		}
		fmt.Fprintf(below, "         %s\n", row)
	}
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
	with := *c
	with.attrs = append(c.attrs[:len(c.attrs):len(c.attrs)], attrs...)
	return &with
}

// WithGroup forgets the group: nothing here uses one.
func (c *console) WithGroup(string) slog.Handler { return c }
