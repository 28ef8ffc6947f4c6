package main

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/larkspur-web/larkspur/runtime/display"
	"github.com/larkspur-web/larkspur/server/site"
	"github.com/larkspur-web/larkspur/server/site/grant"
	"github.com/larkspur-web/larkspur/server/worker/sandbox"
	"github.com/spf13/cobra"
)

// confine are the flags that say what a worker may use and reach.
type confine struct {
	sandbox string
	memory  display.Size
	cpu     time.Duration
	files   int
	size    display.Size
}

// sandboxes are the values of --sandbox.
var sandboxes = []string{"on", "require", "off"}

func (f *confine) flags(c *cobra.Command) {
	f.memory, f.files, f.size = 1<<30, 1024, 1<<30
	c.Flags().StringVar(&f.sandbox, "sandbox", "on",
		"confine workers to their directory and what is granted: on, as far as this kernel can; "+
			"require, or do not start; or off")
	c.Flags().Var(&f.memory, "worker-memory", "how much memory a worker may take beside what an idle one has")
	c.Flags().Var((*display.Duration)(&f.cpu), "worker-cpu",
		"how much time of processors a worker may use in its life; 0 sets no bound")
	c.Flags().IntVar(&f.files, "worker-files", f.files, "how many files and connections a worker may have open")
	c.Flags().Var(&f.size, "worker-file-size", "how large a file may become that a worker writes")
}

// fewest is how many files a worker has to be able to open: it has sixteen open before its first request.
const fewest = 32

// limits are those of the process.
func (f *confine) limits() sandbox.Limits {
	return sandbox.Limits{Memory: int64(f.memory), CPU: f.cpu, Files: f.files, FileSize: int64(f.size)}
}

// idleSize is more than a worker has resident, or the kernel for it, when it is idle.
const idleSize = 64 << 20

// resident is how much memory a worker may have, with what it has when it is idle; 0 without a bound.
func (f *confine) resident() int64 {
	if f.memory <= 0 {
		return 0
	}
	return int64(f.memory) + idleSize
}

// access is what a worker has to reach for its application, and no more.
func (f *confine) access(app *site.Application, granted *grant.Set) (sandbox.Access, error) {
	reach, err := granted.Reach()
	if err != nil {
		return sandbox.Access{}, err
	}
	// The front makes the connections: see grant.Set.Connect.
	a := sandbox.Access{Read: reach.Read, Write: append(reach.Write, os.TempDir())}
	if app.Dir != "" {
		a.Read = append(a.Read, app.Dir)
	}
	return a, nil
}

// enter confines this process.
func (f *confine) enter(app *site.Application, granted *grant.Set) error {
	if f.sandbox == "off" {
		return nil
	}
	access, err := f.access(app, granted)
	if err != nil {
		return err
	}
	report, err := sandbox.Enter(f.limits(), access)
	if err != nil {
		return err
	}
	if f.sandbox == "require" {
		return required(report)
	}
	for _, p := range report {
		if !p.Enforced {
			slog.Debug("not enforced", slog.String("protection", p.Name), slog.String("because", p.Why))
		}
	}
	return nil
}

// foresee finds what would keep workers from being confined before one is started.
func (f *confine) foresee(app *site.Application, granted *grant.Set) error {
	if f.sandbox == "off" {
		return nil
	}
	access, err := f.access(app, granted)
	if err != nil {
		return fmt.Errorf("what workers are to reach: %w", err)
	}
	for _, name := range access.Read {
		if _, err := os.Stat(name); err != nil {
			return fmt.Errorf("what workers are to reach: %w", err)
		}
	}
	if f.sandbox == "require" {
		return required(sandbox.Probe(f.limits(), access))
	}
	return nil
}

// required says how to do without what is not enforced.
func required(report sandbox.Report) error {
	if err := report.Require(); err != nil {
		return fmt.Errorf("--sandbox require: %w; --sandbox on does without", err)
	}
	return nil
}

// useless is the first of the flags that was given, and says nothing without workers.
func (f *confine) useless(c *cobra.Command) string {
	for _, name := range []string{"sandbox", "worker-memory", "worker-cpu", "worker-files", "worker-file-size"} {
		if c.Flags().Changed(name) {
			return "--" + name
		}
	}
	return ""
}

// checkSandbox says what this kernel can enforce. What is granted makes no difference: the front makes
// the connections of a worker, which has no network itself.
func checkSandbox(w io.Writer) error {
	var f confine
	f.flags(new(cobra.Command))
	report := sandbox.Probe(f.limits(), sandbox.Access{})
	fmt.Fprint(w, report)
	// It bounds what a worker has the kernel hold, too, beside the limits above.
	if err := sandbox.Groups(); err != nil {
		fmt.Fprintf(w, "no control groups (cgroup v2), so that the size of workers is looked at: %v\n", err)
	} else {
		fmt.Fprintln(w, "each worker is in a control group (cgroup v2) of its own, which bounds its memory")
	}
	if report.Require() != nil {
		return errFound // the table says what
	}
	return nil
}
