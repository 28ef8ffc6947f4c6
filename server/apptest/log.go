package apptest

import (
	"context"
	"log/slog"
	"regexp"
	"strings"
)

// A journal is what one request logs: its lines, and what of them is a fault. The application runs only while the test
// waits, so it needs no lock.
type journal struct {
	lines  []string
	faults []fault
}

// A fault is one that the server reported.
type fault struct {
	code      string
	message   string
	place     string // FILE:LINE:COL, or ""
	backtrace string
	theirs    bool // the request's fault, not the application's
}

// text is what a fails= is matched with.
func (f *fault) text() string { return f.code + ": " + f.message }

// journalKey is the key of the journal among the values of a request's context.
type journalKey struct{}

// Tap returns a handler that takes down what is logged in the context of a request, and passes everything on to next.
// The logger of the program is to be made of it, so that a response's log has what its application prints.
func Tap(next slog.Handler) slog.Handler { return &tap{next: next} }

type tap struct {
	next slog.Handler    // may be nil
	ctx  context.Context // that records are logged in, whatever they say; nil for their own
}

func (h *tap) Enabled(context.Context, slog.Level) bool { return true }

func (h *tap) Handle(ctx context.Context, r slog.Record) error {
	if h.ctx != nil {
		ctx = h.ctx
	}
	if j, ok := ctx.Value(journalKey{}).(*journal); ok && r.Level >= slog.LevelInfo && j.take(r) {
		return nil // the failure of the request will say it
	}
	if h.next == nil || !h.next.Enabled(ctx, r.Level) {
		return nil
	}
	return h.next.Handle(ctx, r)
}

func (h *tap) WithAttrs(attrs []slog.Attr) slog.Handler {
	if h.next == nil {
		return h
	}
	return &tap{h.next.WithAttrs(attrs), h.ctx}
}

// WithGroup forgets the group: nothing here uses one.
func (h *tap) WithGroup(string) slog.Handler { return h }

// take takes a record down, and reports whether it is of a fault of the application's. Those of faults have a code.
func (j *journal) take(r slog.Record) bool {
	f := fault{message: r.Message}
	r.Attrs(func(a slog.Attr) bool {
		switch a.Key {
		case "code":
			f.code = a.Value.String()
		case "place":
			f.place = a.Value.String()
		case "backtrace":
			f.backtrace = a.Value.String()
		}
		return true
	})
	line := r.Message
	if f.code != "" && !strings.Contains(line, f.code) {
		line = f.text()
	}
	j.lines = append(j.lines, line)
	if f.code == "" {
		return false
	}
	// The server warns of what the request did wrong, and of what it mended itself in the response: LARK01...
	f.theirs = r.Level < slog.LevelError && !strings.HasPrefix(f.code, "LARK01")
	f.message = strings.TrimPrefix(strings.TrimPrefix(f.message, f.place+": "), f.code+": ")
	j.faults = append(j.faults, f)
	return !f.theirs
}

// frame is a line of a backtrace that names a place in a script.
var frame = regexp.MustCompile(`^  (\S+:\d+:\d+): in `)

// without leaves the frames of a file out of the backtrace and, if the fault was in one of them, out of the place.
func (f *fault) without(file string) {
	if file == "" || !strings.Contains(f.backtrace, file) {
		return
	}
	var kept []string
	place := ""
	for _, line := range strings.Split(f.backtrace, "\n") {
		if strings.HasPrefix(line, "  "+file+":") {
			continue
		}
		kept = append(kept, line)
		if at := frame.FindStringSubmatch(line); at != nil {
			place = at[1]
		}
	}
	f.backtrace = strings.Join(kept, "\n")
	if place == "" {
		f.backtrace = ""
	}
	if strings.HasPrefix(f.place, file+":") {
		f.place = place
	}
}
