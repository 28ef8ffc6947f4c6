package worker

import (
	"context"
	"log/slog"
	"strconv"
	"time"

	"github.com/larkspur-web/larkspur/server/worker/sandbox"
)

// report logs the end of a worker, unless it was to end and did so by itself.
func (w *process) report(err error) {
	n, some := w.doing()
	if err == nil && n == 0 && w.killed.Load() == nil {
		return
	}
	select {
	case <-w.loaded:
		if w.wrong != nil {
			return // who started it says why
		}
	default:
	}
	attrs := []slog.Attr{slog.String("cause", w.cause(err)),
		slog.Duration("age", time.Since(w.began).Round(time.Millisecond)), slog.Int64("served", w.served.Load())}
	if n > 0 {
		attrs = append(attrs, slog.Int("lost", n), slog.Any("doing", some))
	}
	if text := w.said.text(); text != "" {
		attrs = append(attrs, slog.String("report", text))
	}
	w.log().LogAttrs(context.Background(), slog.LevelError, "a worker has ended", attrs...)
}

// tire has another worker take the place of w, once that has loaded the application.
func (w *process) tire(why string) {
	if w.leaving.Load() || w.rests.Swap(true) {
		return
	}
	w.log().Info("a worker is replaced", slog.String("because", why))
	close(w.tired)
}

// look looks after a worker until it leaves: its age and its size, and whether it is alive.
func (w *process) look() {
	select {
	case <-w.gone:
		return
	case <-w.loaded: // before that it does not serve, and has StartTimeout
	}
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for n := 0; ; n++ {
		select {
		case <-w.gone:
			return
		case <-tick.C:
		}
		p := w.pool
		if p.MaxAge > 0 && time.Since(w.began) > p.MaxAge {
			w.tire("it is " + time.Since(w.began).Round(time.Second).String() + " old")
		}
		if size := w.resident(); p.MaxResident > 0 && size > p.MaxResident {
			w.tire("it has " + strconv.FormatInt(size>>20, 10) + " MiB resident")
		}
		if n%pingEvery == pingEvery-1 {
			w.ping()
		}
	}
}

// How often a worker is asked for a sign of life, in seconds, and how long it may take.
const (
	pingEvery = 5
	pingLimit = 10 * time.Second
)

// ping kills a worker that gives no sign of life: its whole process hangs.
func (w *process) ping() {
	ctx, cancel := context.WithTimeout(context.Background(), pingLimit)
	defer cancel()
	if err := w.conn.Ping(ctx); err != nil && ctx.Err() != nil {
		w.leave()
		w.kill("it has given no sign of life for " + pingLimit.String())
	}
}

// resident is how many bytes of memory the worker has, 0 where that is not known.
func (w *process) resident() int64 {
	n, _ := sandbox.Resident(w.cmd.Process.Pid)
	return n
}
