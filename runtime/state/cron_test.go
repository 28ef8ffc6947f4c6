package state_test

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/larkspur-web/larkspur/runtime"
)

// A diary is a log that notes which times of schedules were due.
type diary struct {
	slog.Handler
	mu  sync.Mutex
	due []time.Time
}

func (d *diary) Enabled(context.Context, slog.Level) bool      { return true }
func (d *diary) WithGroup(string) slog.Handler                 { return d }
func (d *diary) Handle(_ context.Context, _ slog.Record) error { return nil }
func (d *diary) WithAttrs(attrs []slog.Attr) slog.Handler {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, a := range attrs {
		if a.Key == "due" {
			d.due = append(d.due, a.Value.Time())
		}
	}
	return d
}

// TestCron verifies that of two processes one calls a function each time that is due, that a failure
// changes nothing about it, and that times that have passed meanwhile are made up for once.
func TestCron(t *testing.T) {
	t.Parallel()
	dir, told, log := t.TempDir(), make(chan string, 100), new(diary)
	source := func(period string) string {
		return `
load("@cron", "every")
def tick():
    told("tick")
    fail("no")
every(` + period + `, tick)
def app(): pass
`
	}
	load := func(period string) *runtime.Program {
		files := tree{fstest.MapFS{}}
		files.save(source(period))
		c := config(grant(t, dir), files, told)
		c.Logger = slog.New(log)
		p, err := runtime.Load(c, "app.star")
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	first := load(`"1h"`)               // it begins now, and is not due
	time.Sleep(1100 * time.Millisecond) // so that a time passes
	first.Close()
	began := time.Now()
	one, two := load(`1`), load(`1`)
	defer one.Close()
	defer two.Close()
	for range 3 {
		<-told
	}
	if took := time.Since(began); took < time.Second {
		t.Errorf("three were due in %v: one that has passed, and two", took)
	}
	log.mu.Lock()
	defer log.mu.Unlock()
	for i, due := range log.due {
		for _, other := range log.due[:i] {
			if due.Sub(other).Abs() < 900*time.Millisecond {
				t.Errorf("it was called twice for a time: %v", log.due)
			}
		}
	}
}

// TestCronSaid compares what schedules are, and the errors of those that are none.
func TestCronSaid(t *testing.T) {
	d := newDesk(t, grant(t, t.TempDir()))
	d.run("def _Sweep():\n    pass\ndef one(x):\n    pass\n")
	d.want(
		`every(1, _Sweep)`, `<schedule sweep>`,
		`every("10m", _Sweep, name = "ten").name`, `"ten"`,
		`cron("*/15 8-17 * * MON-FRI", _Sweep, zone = "Europe/Berlin", name = "work")`, `<schedule work>`,
		`every(0.5, _Sweep)`, `usage: every: period is 500ms, not from 1s to 8784h`,
		`every(None, _Sweep)`, `usage: every: period is None: say how often`,
		`every(1, one)`, `usage: every: fn has to take 0 values, and one takes 1`,
		`every(1, None)`, `usage: every: fn is None`,
		`every(1, lambda: 1)`, `usage: every: the function has no name: pass name`,
		`every(1, _Sweep, name = "A")`, `usage: every: "A" is no name of a schedule`,
		`cron("0 3 * *", _Sweep)`, `usage: cron: the expression is none: expected exactly 5 fields`,
		`cron("61 * * * *", _Sweep)`, `usage: cron: the expression is none: end of range (61)`,
		`cron("@daily", _Sweep)`, `usage: cron: the expression is none: `,
		`cron("TZ=", _Sweep)`, `usage: cron: the expression is none: it has five fields`,
		`cron("0 0 31 2 *", _Sweep)`, `usage: cron: the time of the expression never comes`,
		`cron("0 3 * * *", _Sweep, zone = "Berlin")`, `usage: cron: zone is "Berlin", which is none`,
		`cron("0 3 * * *", _Sweep, zone = "../etc/passwd")`, `usage: cron: zone is`,
		fmt.Sprintf(`cron(%q, _Sweep)`, fmt.Sprintf("%300d", 1)), `usage: cron: the expression is none: it has five`,
	)
}
