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
	"golang.org/x/term"
)

// A waterfall draws exchanges on a time axis: a row for each, and one for each hint.
type waterfall struct {
	w      *bufio.Writer
	width  int // of a line
	colour bool

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
	f := &waterfall{w: bufio.NewWriter(w), width: probeWidth}
	file, ok := w.(*os.File)
	if ok && term.IsTerminal(int(file.Fd())) {
		f.colour = os.Getenv("NO_COLOR") == ""
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
	fmt.Fprintf(f.w, "%s %s, HTTP/2 %s\n", s.requests[0].Request.Method, word(s.url), transport)
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
		fmt.Fprintf(f.w, "%s: %s\n", map[bool]string{true: "advice", false: "violation"}[v.Advice], v.Error())
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
		text = fmt.Sprintf("%s (%d without a response), %s", count(promises, "promise"), promises-taken, count(hints, "hint"))
	}
	return text + fmt.Sprintf(", %s, of which %s pushed", amount(bytes), amount(pushed))
}

// draw draws a request, its hints and its promises, in the order in which they came.
func (f *waterfall) draw(x *pushtest.Exchange) {
	type row struct {
		at   time.Duration
		draw func()
	}
	all := append([]*pushtest.Exchange{x}, x.Promises...)
	f.began, f.ended = x.Began, x.Ended
	f.target, f.outcome = len("target"), len("outcome")
	for _, e := range all {
		f.ended = max(f.ended, e.Ended)
		f.target = max(f.target, utf8.RuneCountInString(word(e.Request.Target)))
		f.outcome = max(f.outcome, len(outcome(e)))
	}
	// Before the bar there are, with the blanks between them: the stream (5), the kind (4), two
	// columns, bytes (8) and milliseconds (8).
	const fixed = 5 + 1 + 4 + 1 + 1 + 1 + 8 + 1 + 8 + 1
	f.target = min(f.target, max(len("target"), f.width-fixed-f.outcome-max(leastBar, f.width/3)))
	f.bar = max(leastBar, f.width-fixed-f.target-f.outcome)

	axis := fmt.Sprintf("%.1f ms", milliseconds(f.ended-f.began))
	f.line("id", "", "target", "outcome", "bytes", "ms", "0"+fmt.Sprintf("%*s", f.bar-1, axis))
	rows := []row{}
	for _, e := range all {
		rows = append(rows, row{e.Began, func() { f.exchange(e) }})
	}
	for _, h := range x.Hints {
		rows = append(rows, row{h.At, func() { f.hint(h) }})
	}
	slices.SortStableFunc(rows, func(a, b row) int { return cmp.Compare(a.at, b.at) })
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
	last, colour := "", "32"
	if x.Wait() != nil {
		last, colour = "x", "31"
		if comes > 0 {
			comes--
		} else {
			waits--
		}
	}
	bar := strings.Repeat(" ", from) + first + f.paint("2", strings.Repeat(".", waits)) + f.paint(colour, strings.Repeat("=", comes)+last)
	f.line(fmt.Sprint(x.ID), kind, word(x.Request.Target), outcome(x), amount(x.Size), fmt.Sprintf("%.1f", milliseconds(x.Ended-f.began)), bar)
}

// hint draws a hint; what it says stands below.
func (f *waterfall) hint(h pushtest.Hint) {
	f.line("", fmt.Sprint(h.Status), "", "", "", fmt.Sprintf("%.1f", milliseconds(h.At-f.began)), strings.Repeat(" ", f.column(h.At))+f.paint("33", "h"))
	for _, name := range slices.Sorted(maps.Keys(h.Header)) {
		for _, v := range h.Header[name] {
			fmt.Fprintf(f.w, "           %s\n", shorten(word(strings.ToLower(name)+": "+v), f.width-11))
		}
	}
}

func (f *waterfall) line(stream, kind, target, outcome, bytes, ms, bar string) {
	line := fmt.Sprintf("%5s %-4s %-*s %-*s %8s %8s %s", stream, kind, f.target, shorten(target, f.target), f.outcome, outcome, bytes, ms, bar)
	fmt.Fprintln(f.w, strings.TrimRight(line, " "))
}

// column is where a time stands on the axis.
func (f *waterfall) column(at time.Duration) int {
	if f.ended <= f.began {
		return 0
	}
	return min(max(int(int64(f.bar-1)*int64(at-f.began)/int64(f.ended-f.began)), 0), f.bar-1)
}

func (f *waterfall) paint(code, s string) string {
	if !f.colour || s == "" {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

// word is what a server said, as a part of a line.
func word(s string) string {
	return strings.NewReplacer("\n", `\n`, "\t", `\t`).Replace(plain(strings.ToValidUTF8(s, "\uFFFD")))
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

// amount is a number of bytes that fits into a column.
func amount(n int64) string {
	switch {
	case n < 10_000:
		return fmt.Sprintf("%d B", n)
	case n < 10_000_000:
		return fmt.Sprintf("%.1f kB", float64(n)/1000)
	}
	return fmt.Sprintf("%.1f MB", float64(n)/1e6)
}
