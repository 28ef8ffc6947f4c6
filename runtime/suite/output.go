package suite

import (
	"log/slog"
	"strconv"
	"strings"
	"sync"
)

// An output gathers what one test logs. It is safe for concurrent use.
type output struct {
	mu    sync.Mutex
	lines []string
}

// record is the [tee.Sink] of the test's context.
func (o *output) record(r slog.Record) bool {
	line := lineOf(&r)
	o.mu.Lock()
	defer o.mu.Unlock()
	o.lines = append(o.lines, line)
	return true
}

func (o *output) taken() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.lines
}

// lineOf is the place in a script that logged, if it is known, the message, and what a person wants
// to know besides.
func lineOf(r *slog.Record) string {
	var place, more strings.Builder
	r.Attrs(func(a slog.Attr) bool {
		switch v := a.Value.Resolve(); a.Key {
		case "file":
			place.WriteString(v.String())
		case "line":
			place.WriteString(":" + v.String() + ": ")
		case "request", "backtrace": // for machines; shown with the failure
		default:
			text := v.String()
			if strings.ContainsAny(text, " \n\"") {
				text = strconv.Quote(text)
			}
			more.WriteString(" " + a.Key + "=" + text)
		}
		return true
	})
	return place.String() + r.Message + more.String()
}
