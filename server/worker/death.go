package worker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os/exec"
	"strings"
	"time"

	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/server/worker/sandbox"
)

// A Cause is of what a worker has died.
type Cause string

// The causes. A worker that ends as it was told to has none.
const (
	Killed  Cause = "killed"  // by a signal that the pool has not sent
	Exited  Cause = "exited"  // by itself, with a status
	Crashed Cause = "crashed" // Go's runtime has ended it: a panic, a stack that is full
	Memory  Cause = "memory"  // it was at its limit of memory
	CPU     Cause = "cpu"     // it was at its limit of the time of processors
	Stuck   Cause = "stuck"   // the pool has killed it: a call could not be stopped
	Silent  Cause = "silent"  // the pool has killed it: it gave no sign of life, or answered nothing
	Late    Cause = "late"    // the pool has killed it: its last requests took longer than Drain
	Unready Cause = "unready" // it has not loaded the application
)

// A death is the end of a worker, and what the pool knows of it.
type death struct {
	cause Cause
	text  string
	place string // the line of script that it was at, FILE:LINE:COL; "" if that is not known
}

// kill ends the process now. Only the first reason counts.
func (w *process) kill(d death) {
	d.text = "killed: " + d.text
	if w.killed.CompareAndSwap(nil, &d) {
		_ = w.cmd.Process.Kill() // it may have ended
	}
}

// died is of what the worker has died, whose Wait has returned err.
func (w *process) died(err error) death {
	var exit *exec.ExitError
	switch why := w.killed.Load(); {
	case why != nil:
		return *why
	case err == nil:
		return death{cause: Exited, text: "exit status 0"}
	case !errors.As(err, &exit):
		return death{cause: Exited, text: err.Error()}
	case exit.ExitCode() == sandbox.ExitCPU:
		return death{cause: CPU, text: "limit of CPU time: " + exit.String()}
	case exit.ExitCode() < 0 && w.group.Killed() > 0:
		return death{cause: Memory, text: fmt.Sprintf("limit of memory of its control group, %d MiB: %v",
			w.pool.Memory>>20, exit)}
	case exit.ExitCode() < 0:
		return death{cause: Killed, text: exit.String()}
	}
	d := death{cause: Exited, text: exit.String()}
	if first := w.said.first(); first != "" {
		d.cause, d.text = Crashed, d.text+": "+first
		if strings.Contains(first, "out of memory") || strings.Contains(first, "cannot allocate memory") {
			d.cause = Memory
		}
	}
	return d
}

// report logs the end of a worker, unless it was to end and did so by itself.
func (w *process) report(d death, well bool) {
	n, some, place := w.doing()
	if well && n == 0 {
		return
	}
	select {
	case <-w.loaded:
		if w.wrong != nil {
			d.cause = Unready
		}
	default:
	}
	w.pool.tally.died(d.cause)
	if d.cause == Unready {
		return // who started it says why
	}
	attrs := []slog.Attr{slog.String("cause", d.text)}
	if place = cmp.Or(d.place, place); place != "" {
		attrs = append(attrs, slog.String("place", place))
	}
	state := w.cmd.ProcessState // it has been waited for
	attrs = append(attrs, slog.Duration("age", time.Since(w.began).Round(time.Millisecond)),
		slog.Duration("cpu", (state.UserTime()+state.SystemTime()).Round(time.Millisecond)),
		slog.Int64("served", w.served.Load()))
	if n > 0 {
		attrs = append(attrs, slog.Int("lost", n), slog.Any("doing", some))
	}
	if text := w.said.text(); text != "" {
		attrs = append(attrs, slog.String("report", text))
	}
	w.log().LogAttrs(context.Background(), slog.LevelError, "a worker has ended", attrs...)
}

// A lost error is that of a request whose worker has died.
type lost struct{ death }

var _ host.Placer = (*lost)(nil)

func (e *lost) Error() string { return "it has died: " + e.text }

// Place is where the script was, as far as that is known.
func (e *lost) Place() string { return e.place }

// lost is the error of the request of an id that w has not answered because of err: its death, if it has died, for
// which it waits a moment.
func (w *process) lost(id string, err error) error {
	if w.conn.Err() == nil {
		return err
	}
	select {
	case <-w.ended:
		d := w.death
		d.place = cmp.Or(d.place, w.last(id))
		return &lost{d}
	case <-time.After(2 * lastWord):
		return err
	}
}
