package main

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/larkspur-web/larkspur/push/pushtest"
	"github.com/larkspur-web/larkspur/runtime/display"
	"golang.org/x/term"
)

// A waterfall draws exchanges on a time axis: a row for each, and one for each hint.
type waterfall struct {
	w       *bufio.Writer
	width   int // of a line
	palette display.Palette

	began, ended time.Duration // of the axis
	target       int           // widths of columns
	outcome      int
	bar          int
}

const (
	probeWidth = 100 // where no terminal tells its own
	leastWidth = 60
	leastBar   = 12
)

// newWaterfall returns one as wide as the terminal that w is, if it is one.
func newWaterfall(w io.Writer) *waterfall {
	f := &waterfall{w: bufio.NewWriter(w), width: probeWidth, palette: display.PaletteOf(w)}
	if file, ok := w.(*os.File); ok {
		if width, _, err := term.GetSize(int(file.Fd())); err == nil && width > 0 {
			f.width = max(width, leastWidth)
		}
	}
	return f
}

// writeText writes what was seen for a person.
func (s *probed) writeText(w io.Writer, frames bool) error {
	f := newWaterfall(w)
	transport := "in cleartext"
	if s.client.TLS() != nil {
		transport = "over TLS"
	}
	method := s.requests[0].Request.Method
	fmt.Fprintf(f.w, "%s %s, HTTP/2 %s\n", method, display.Line(s.url), transport)
	for i, x := range s.requests {
		fmt.Fprintln(f.w)
		if len(s.requests) > 1 {
			fmt.Fprintf(f.w, "request %d\n", i+1)
		}
		f.draw(x)
	}
	fmt.Fprintf(f.w, "\n> request  P promise  . wait  h hint  = response  x reset\n")
	fmt.Fprintln(f.w, s.sum())
	if g := s.client.GoAway(); g != nil {
		fmt.Fprintln(f.w, g)
	}
	for _, v := range s.client.Violations() {
		what := "violation"
		if v.Advice {
			what = "advice"
		}
		fmt.Fprintf(f.w, "%s: %s\n", what, v.Error())
	}
	if frames {
		fmt.Fprintln(f.w)
		if err := s.client.WriteLog(f.w); err != nil {
			return err
		}
	}
	return f.w.Flush()
}

// sum is everything in a line.
func (s *probed) sum() string {
	var bytes, pushed int64
	promises, taken, hints := 0, 0, 0
	for _, x := range s.requests {
		bytes += x.Size
		hints += len(x.Hints)
		for _, p := range x.Promises {
			promises++
			bytes += p.Size
			pushed += p.Size
			if p.Wait() == nil {
				taken++
			}
		}
	}
	text := fmt.Sprintf("%s, %s", count(promises, "promise"), count(hints, "hint"))
	if taken < promises {
		text = fmt.Sprintf("%s (%d without a response), %s",
			count(promises, "promise"), promises-taken, count(hints, "hint"))
	}
	return fmt.Sprintf("%s, %s, of which %s pushed", text, display.Bytes(bytes),
		display.Bytes(pushed))
}

// draw draws a request, its hints and its promises, in the order in which they came.
func (f *waterfall) draw(x *pushtest.Exchange) {
	all := append([]*pushtest.Exchange{x}, x.Promises...)
	f.began, f.ended = x.Began, x.Ended
	f.target, f.outcome = len("target"), len("outcome")
	for _, e := range all {
		f.ended = max(f.ended, e.Ended)
		f.target = max(f.target, utf8.RuneCountInString(display.Line(e.Request.Target)))
		f.outcome = max(f.outcome, len(outcome(e)))
	}
	// Before the bar there are, with the blanks between them: the stream (5), the kind (4), two
	// columns, bytes (8) and milliseconds (8).
	const fixed = 5 + 1 + 4 + 1 + 1 + 1 + 8 + 1 + 8 + 1
	f.target = min(f.target, max(len("target"), f.width-fixed-f.outcome-max(leastBar, f.width/3)))
	f.bar = max(leastBar, f.width-fixed-f.target-f.outcome)

	axis := fmt.Sprintf("%.1f ms", milliseconds(f.ended-f.began))
	f.line(row{
		stream: "id", target: "target", outcome: "outcome", bytes: "bytes", ms: "ms",
		bar: "0" + fmt.Sprintf("%*s", f.bar-1, axis),
	})
	type drawn struct {
		at   time.Duration
		draw func()
	}
	var rows []drawn
	for _, e := range all {
		rows = append(rows, drawn{e.Began, func() { f.exchange(e) }})
	}
	for _, h := range x.Hints {
		rows = append(rows, drawn{h.At, func() { f.hint(h) }})
	}
	slices.SortStableFunc(rows, func(a, b drawn) int { return cmp.Compare(a.at, b.at) })
	for _, r := range rows {
		r.draw()
	}
}

func (f *waterfall) exchange(x *pushtest.Exchange) {
	kind, first := x.Request.Method, ">"
	if x.Page != nil {
		kind, first = "push", "P"
	}
	if len(kind) > 4 {
		kind = kind[:4]
	}
	from, to := f.column(x.Began), f.column(x.Ended)
	from = min(from, f.bar-2)
	to = max(to, from+1)
	answered := to + 1 // never
	if x.Status != 0 {
		answered = min(max(f.column(x.Answered), from+1), to)
	}
	waits, comes := answered-from-1, to-answered+1
	last, color := "", display.Green
	if x.Wait() != nil {
		last, color = "x", display.Red
		if comes > 0 {
			comes--
		} else {
			waits--
		}
	}
	f.line(row{
		stream: fmt.Sprint(x.ID), kind: kind,
		target: display.Line(x.Request.Target), outcome: outcome(x),
		bytes: display.Bytes(x.Size), ms: fmt.Sprintf("%.1f", milliseconds(x.Ended-f.began)),
		bar: strings.Repeat(" ", from) + first +
			f.palette.In(display.Faint, strings.Repeat(".", waits)) +
			f.palette.In(color, strings.Repeat("=", comes)+last),
	})
}

// hint draws a hint; what it says stands below.
func (f *waterfall) hint(h pushtest.Hint) {
	f.line(row{
		kind: fmt.Sprint(h.Status), ms: fmt.Sprintf("%.1f", milliseconds(h.At-f.began)),
		bar: strings.Repeat(" ", f.column(h.At)) + f.palette.In(display.Yellow, "h"),
	})
	for _, name := range slices.Sorted(maps.Keys(h.Header)) {
		for _, v := range h.Header[name] {
			text := display.Line(strings.ToLower(name) + ": " + v)
			fmt.Fprintf(f.w, "           %s\n", shorten(text, f.width-11))
		}
	}
}

// A row has what stands in the columns of a line.
type row struct{ stream, kind, target, outcome, bytes, ms, bar string }

func (f *waterfall) line(r row) {
	text := fmt.Sprintf("%5s %-4s %-*s %-*s %8s %8s %s", r.stream, r.kind,
		f.target, shorten(r.target, f.target), f.outcome, r.outcome, r.bytes, r.ms, r.bar)
	fmt.Fprintln(f.w, strings.TrimRight(text, " "))
}

// column is where a time stands on the axis.
func (f *waterfall) column(at time.Duration) int {
	if f.ended <= f.began {
		return 0
	}
	return min(max(int(int64(f.bar-1)*int64(at-f.began)/int64(f.ended-f.began)), 0), f.bar-1)
}

// shorten cuts what is longer than a column.
func shorten(s string, width int) string {
	if utf8.RuneCountInString(s) <= width {
		return s
	}
	return string([]rune(s)[:max(width-1, 0)]) + "…"
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
