//go:build !race

package runtime_test

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/larkspur-web/larkspur/cmd/testdata/racetest"
	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/runtime/lib/re"
	"github.com/larkspur-web/larkspur/runtime/testdata/bombtest"
	"go.starlark.net/starlark"
)

const bombEnv = "LARKSPUR_TEST_HOARD"

// TestHoards verifies that no bomb takes much more than the limits, and prints what each does. Each
// runs in a process of its own, which would die where this one is to live. There are some of each kind, or
// all with LARKSPUR_LONG=1.
func TestHoards(t *testing.T) {
	racetest.Skip(t)
	if name := os.Getenv(bombEnv); name != "" {
		for _, b := range bombtest.All() {
			if b.Name == name {
				json.NewEncoder(os.Stdout).Encode(explode(t, b))
				os.Exit(0)
			}
		}
	}
	if testing.Short() {
		t.Skip("each is a process of its own")
	}
	update := flag.Lookup("update").Value.String() == "true" // of scripttest
	all := update || os.Getenv("LARKSPUR_LONG") == "1"
	var report bombtest.Report
	of := make(map[string]int)
	for _, b := range bombtest.All() {
		if of[b.Kind]++; of[b.Kind] > 3 && !all {
			continue
		}
		t.Run(b.Name, func(t *testing.T) {
			child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestHoards$")
			child.Env = append(os.Environ(), bombEnv+"="+b.Name, "GOMEMLIMIT=off", "GOGC=100")
			out, err := child.Output()
			var r bombtest.Result
			if json.Unmarshal(out, &r) != nil {
				var stderr []byte
				if exit, ok := err.(*exec.ExitError); ok {
					stderr = exit.Stderr
				}
				t.Fatalf("the process ended: %v\n%.300s%.300s", err, out, stderr)
			}
			report.Add(b, r)
			if r.Outcome == "" {
				t.Errorf("it ended with %s", r.Text)
			}
			if r.CPU > 30*time.Second {
				t.Errorf("it took %v of the processor", r.CPU)
			}
		})
	}
	report.Check(t, "../README.md", bombtest.InProcess, update)
}

// TestRelief verifies that the call which holds most ends first when the process comes near its
// limit, while one that holds little goes on.
func TestRelief(t *testing.T) {
	if os.Getenv(bombEnv) == "" {
		child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestRelief$")
		child.Env = append(os.Environ(), bombEnv+"=relief", "GOMEMLIMIT=192MiB")
		if out, err := child.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return
	}
	confine(2 << 30)
	p, err := runtime.Load(&runtime.Config{Limits: runtime.Limits{Memory: 1 << 30, Time: time.Minute},
		FS: tree("app.star", `
def app(): pass
def hold(n):
    l = ["x" * 100000 + str(i) for i in range(n)]
    while True: len(l)
def small(): hold(10)
def half(): hold(500)
def most(): hold(100000)
`)}, "app.star")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(map[string]chan error)
	for _, name := range []string{"small", "half", "most"} {
		done := make(chan error, 1)
		ended[name] = done
		go func() {
			done <- p.Call(ctx, func(_ context.Context, t *starlark.Thread, _ starlark.Callable) error {
				_, err := starlark.Call(t, p.Globals()[name], nil, nil)
				return err
			})
		}()
	}
	var limit *runtime.LimitError
	if err := <-ended["most"]; !errors.As(err, &limit) || limit.Kind != "memory" ||
		limit.Limit != 192<<20 || host.PlaceOf(err) == "" || !strings.Contains(err.Error(), "held most") {
		t.Errorf("most: got %v", err)
	}
	stop()
	for _, name := range []string{"small", "half"} {
		if err := <-ended[name]; !errors.Is(err, context.Canceled) {
			t.Errorf("%s: got %v, want it to go on", name, err)
		}
	}
}

// explode calls a bomb.
func explode(t *testing.T, b bombtest.Bomb) (r bombtest.Result) {
	confine(2 << 30)
	before, began, start := bombtest.Peak("self"), cpu(), time.Now()
	p, err := runtime.Load(&runtime.Config{FS: tree("app.star", b.Source()), Limits: bombtest.Limits,
		Modules: []*host.Module{re.Module()}, Logger: slog.New(slog.DiscardHandler)}, "app.star")
	if err == nil {
		err = call(t.Context(), p)
	}
	r.Took, r.CPU, r.Peak = time.Since(start), cpu()-began, bombtest.Peak("self")-before
	r.Text = "no error"
	if err != nil {
		r.Text, _, _ = strings.Cut(err.Error(), "\n")
		r.Outcome = bombtest.OutcomeOf(r.Text)
	}
	return r
}

// cpu returns what the process has had of the processor.
func cpu() time.Duration {
	var r syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &r)
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// confine has the process die if it takes more than so many bytes.
func confine(n uint64) {
	syscall.Setrlimit(2 /* RLIMIT_DATA */, &syscall.Rlimit{Cur: n, Max: n})
}
