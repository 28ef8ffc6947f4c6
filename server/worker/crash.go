package worker

import (
	"bytes"
	"log/slog"
	"strings"
	"sync"

	"github.com/larkspur-web/larkspur/runtime/host"
)

// A crash is the standard error of a worker: what its program writes there is logged line by line,
// and what Go's runtime writes when it ends the process is kept, the beginning of it.
type crash struct {
	logger *slog.Logger

	mu     sync.Mutex
	rest   []byte // of a line that has not ended
	report []byte // once the runtime reports
}

// maxReport is how much of a report is kept: what it says first, and the goroutine that failed.
const maxReport = 8 << 10

// Write is io.Writer's.
func (c *crash) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, line := range bytes.SplitAfter(p, []byte("\n")) {
		c.rest = append(c.rest, line...)
		if bytes.HasSuffix(c.rest, []byte("\n")) || len(c.rest) > maxReport {
			c.line(string(bytes.TrimRight(c.rest, "\r\n")))
			c.rest = c.rest[:0]
		}
	}
	return len(p), nil
}

func (c *crash) line(s string) {
	switch {
	case c.report == nil && !reports(s):
		c.logger.Info(host.Cut(s))
	case len(c.report) < maxReport:
		c.report = append(append(c.report, s...), '\n')
	}
}

// reports reports whether a line is the first of a report of Go's runtime.
func reports(s string) bool {
	for _, first := range []string{"fatal error: ", "panic: ", "runtime: ", "unexpected fault address ",
		"SIG"} {
		if strings.HasPrefix(s, first) {
			return true
		}
	}
	return false
}

// first is the first line of the report, "" if there is none.
func (c *crash) first() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	s, _, _ := strings.Cut(string(c.report), "\n")
	return host.Cut(s)
}

// text is the report.
func (c *crash) text() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return string(c.report)
}
