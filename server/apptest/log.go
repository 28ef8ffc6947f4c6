package apptest

import (
	"log/slog"
	"strings"

	"github.com/larkspur-web/larkspur/runtime/host"
)

// A journal is what one request logs: its lines, and what of them the server found wrong. The
// application runs only while the test waits, so it needs no lock.
type journal struct {
	lines []string
	found []diagnostic
}

// A diagnostic is what the server reported of a request. It has no place if no line of script was
// running.
type diagnostic struct {
	host.Diagnostic
	code      string
	backtrace string
	theirs    bool // the request is wrong, not the application
}

// text is what a fails= is matched with.
func (d *diagnostic) text() string { return d.code + ": " + d.Message }

// record is the [tee.Sink] of the request's context. It has dealt with a record of what is the
// application's to answer for, because the failure of the request will say it.
func (j *journal) record(r slog.Record) bool {
	d := diagnostic{Diagnostic: host.Diagnostic{Message: r.Message}}
	place := ""
	r.Attrs(func(a slog.Attr) bool {
		switch a.Key {
		case "code":
			d.code = a.Value.String()
		case "place":
			place = a.Value.String()
		case "backtrace":
			d.backtrace = a.Value.String()
		}
		return true
	})
	line := r.Message
	if d.code != "" && !strings.Contains(line, d.code) {
		line = d.text()
	}
	j.lines = append(j.lines, line)
	if d.code == "" {
		return false // only what is wrong has a code
	}
	// The server warns of what is wrong with the request, and of what it put right itself in the
	// response: LARK01...
	d.theirs = r.Level < slog.LevelError && !strings.HasPrefix(d.code, "LARK01")
	d.Place, _ = host.ParsePlace(place)
	d.Message = strings.TrimPrefix(strings.TrimPrefix(d.Message, place+": "), d.code+": ")
	j.found = append(j.found, d)
	return !d.theirs
}

// without leaves the frames of a file out of the backtrace and, if the place was in one of them,
// out of that.
func (d *diagnostic) without(file string) {
	if file == "" || !strings.Contains(d.backtrace, file) {
		return
	}
	var kept []string
	var last host.Place
	for _, line := range strings.Split(d.backtrace, "\n") {
		at, ok := host.FramePlace(line)
		if ok && at.File == file {
			continue
		}
		kept = append(kept, line)
		if ok {
			last = at
		}
	}
	d.backtrace = strings.Join(kept, "\n")
	if last == (host.Place{}) {
		d.backtrace = ""
	}
	if d.Place.File == file {
		d.Place = last
	}
}
