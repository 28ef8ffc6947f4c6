package suite

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/larkspur-web/larkspur/runtime/display"
)

// A Printer writes results for a person, as they come.
type Printer struct {
	// W is where to.
	W io.Writer
	// Suite is what runs.
	Suite *Suite
	// Verbose shows the output of tests that pass, too.
	Verbose bool
	// Palette marks what passed and what failed. The zero value does not.
	Palette display.Palette

	file                    string // whose results come
	passed, failed, skipped int
	began                   time.Time
}

// Print writes one result.
func (p *Printer) Print(r *Result) {
	if p.began.IsZero() {
		p.began = time.Now().Add(-r.Time)
	}
	if file := p.Suite.path(r.File); file != p.file { // two suites may have files of one name
		p.file = file
		fmt.Fprintln(p.W, file)
	}
	name := r.Name
	if name == "" {
		name = "it does not load"
	}
	took := p.Palette.In(display.Faint, fmt.Sprintf("(%s)", round(r.Time)))
	switch {
	case r.Skipped:
		p.skipped++
		skip := p.Palette.In(display.Yellow, "skip")
		fmt.Fprintf(p.W, "  %s %s: %s\n", skip, name, display.Escape(reason(r.Err)))
	case r.Err != nil:
		p.failed++
		fmt.Fprintf(p.W, "  %s %s %s\n", p.Palette.In(display.Red, "FAIL"), name, took)
		p.failure(p.Suite.Explain(r))
	default:
		p.passed++
		fmt.Fprintf(p.W, "  %s %s %s\n", p.Palette.In(display.Green, "ok  "), name, took)
	}
	if len(r.Output) > 0 && (r.Failed() || p.Verbose) {
		fmt.Fprintln(p.W, "       output:")
		for _, line := range r.Output {
			p.indented("         ", line)
		}
	}
}

// reason is why a test was skipped.
func reason(err error) string {
	for {
		inner, ok := err.(interface{ Unwrap() error })
		if !ok || inner.Unwrap() == nil {
			return err.Error()
		}
		err = inner.Unwrap()
	}
}

func (p *Printer) failure(f *Failure) {
	for _, frame := range f.Frames {
		fmt.Fprintf(p.W, "       %s:%d: in %s\n", frame.File, frame.Line, frame.Func)
		if frame.Source != "" {
			p.indented("           ", frame.Source)
		}
	}
	p.indented("       ", p.Palette.In(display.Red, display.Escape(f.Message)))
	for _, line := range f.Detail {
		p.indented("         ", display.Escape(line))
	}
}

func (p *Printer) indented(by, text string) {
	for _, line := range strings.Split(text, "\n") {
		fmt.Fprintln(p.W, by+line)
	}
}

// Summary writes how many passed, failed and were skipped.
func (p *Printer) Summary() {
	verdict, color := "ok", display.Green
	if p.failed > 0 {
		verdict, color = "FAIL", display.Red
	}
	counts := fmt.Sprintf("%d passed", p.passed)
	if p.failed > 0 {
		counts += fmt.Sprintf(", %d failed", p.failed)
	}
	if p.skipped > 0 {
		counts += fmt.Sprintf(", %d skipped", p.skipped)
	}
	took := time.Duration(0)
	if !p.began.IsZero() {
		took = time.Since(p.began)
	}
	after := p.Palette.In(display.Faint, fmt.Sprintf("(%s)", round(took)))
	fmt.Fprintf(p.W, "%s %s %s\n", p.Palette.In(color, verdict), counts, after)
}

// round leaves three digits of a time or so.
func round(d time.Duration) time.Duration {
	switch {
	case d > time.Second:
		return d.Round(10 * time.Millisecond)
	case d > time.Millisecond:
		return d.Round(100 * time.Microsecond)
	}
	return d.Round(time.Microsecond)
}
