//go:build linux && !race

package worker_test

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/larkspur-web/larkspur/cmd/testdata/racetest"
	"github.com/larkspur-web/larkspur/runtime/testdata/bombtest"
	"github.com/larkspur-web/larkspur/server"
	"github.com/larkspur-web/larkspur/server/worker"
)

var update = flag.Bool("update", false, "rewrite the table of bombs in README.md")

// TestHoards calls bombs in workers that are confined, each in one of its own, and prints what each
// does: some of each kind, or all with LARKSPUR_LONG=1. That the front is there afterwards is that
// this test goes on.
func TestHoards(t *testing.T) {
	racetest.Skip(t)
	all := *update || os.Getenv("LARKSPUR_LONG") == "1"
	var report bombtest.Report
	of := make(map[string]int)
	for _, b := range bombtest.All() {
		if of[b.Kind]++; of[b.Kind] > 2 && !all {
			continue
		}
		t.Run(b.Name, func(t *testing.T) {
			r := explode(t, b)
			report.Add(b, r)
			if r.Outcome == "" {
				t.Errorf("it ended with %s", r.Text)
			}
			if r.Beyond() > patience {
				t.Errorf("it went on for %v when its time was over", r.Beyond())
			}
		})
	}
	report.Check(t, "../../README.md", bombtest.InWorker, *update)
}

// explode calls a bomb in a worker.
func explode(t *testing.T, b bombtest.Bomb) (r bombtest.Result) {
	s := &settings{Dir: t.TempDir(), Limits: bombtest.Limits, Confined: true, Memory: 1 << 30}
	if err := os.WriteFile(filepath.Join(s.Dir, "app.star"), []byte(b.Source()), 0o666); err != nil {
		t.Fatal(err)
	}
	log := new(logbook)
	config, _ := json.Marshal(s)
	var first *exec.Cmd
	pool := &worker.Pool{Workers: 1, Config: config, Logger: slog.New(faults{logger{logbook: log}}),
		Prepare: func(c *exec.Cmd) {
			if first == nil {
				first = c
			}
		}}
	front := &server.Front{Handler: pool, Logger: pool.Logger}
	defer func() {
		pool.Close()
		if used, ok := first.ProcessState.SysUsage().(*syscall.Rusage); ok {
			r.CPU = time.Duration(used.Utime.Nano() + used.Stime.Nano())
		}
	}()
	began := time.Now()
	if err := pool.Start(context.Background()); err != nil {
		r.Took, r.Text, r.Outcome = time.Since(began), err.Error(), bombtest.OutcomeOf(err.Error())
		return r
	}
	pid := strconv.Itoa(pool.Pids()[0])
	before, began := bombtest.Peak(pid), time.Now()
	res := httptest.NewRecorder()
	front.ServeHTTP(res, httptest.NewRequest("POST", "/", nil))
	r.Took, r.Peak = time.Since(began), bombtest.Peak(pid)-before
	if res.Code == 200 {
		r.Text = "no error"
		return r
	}
	r.Text = log.await(t, "ERROR", fmt.Sprint("status=", res.Code))
	r.Outcome = bombtest.OutcomeOf(r.Text)
	if res.Code == 502 {
		r.Outcome, r.Text = bombtest.Killed, log.await(t, "a worker has ended")
		r.Peak = int64(s.Memory) // as it was refused more
	}
	r.Text = strings.TrimPrefix(r.Text, "ERROR ")
	return r
}

// faults is a slog.Handler that has only those.
type faults struct{ logger }

func (faults) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelError }

func (f faults) WithAttrs(attrs []slog.Attr) slog.Handler {
	return faults{f.logger.WithAttrs(attrs).(logger)}
}
