package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/larkspur-web/larkspur/runtime/display"
	"github.com/larkspur-web/larkspur/server/service"
	"github.com/spf13/cobra"
)

func newRestart(stdout io.Writer) *cobra.Command {
	var pidFile string
	wait := 2 * time.Minute
	c := &cobra.Command{
		Use:   "restart --pid-file FILE",
		Short: "Have a new process of the larkspur that is installed serve on",
		Long: `Restart has a server, whose --pid-file this names, start a new process: of the file that
larkspur is by now, with the same arguments, in the same directory. It takes over the sockets,
loads the application, and only when it serves the old one answers what was begun, and ends. If
the new one fails, restart says why, and the old one serves on. It is what SIGUSR2 does.

The first process of a container is not to be restarted: the container ends with it.`,
		Example: "  larkspur restart --pid-file /run/blog/larkspur.pid",
		Args:    noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if pidFile == "" {
				return errors.New("which server: name the file of its --pid-file, with --pid-file")
			}
			if restartSignal == nil {
				return runError{errors.New("this system has no sockets that another process could take over")}
			}
			pid, err := restart(c.Context(), pidFile, wait)
			if err != nil {
				return runError{err}
			}
			fmt.Fprintf(stdout, "process %d serves\n", pid)
			return nil
		},
	}
	c.Flags().StringVar(&pidFile, "pid-file", "", "`FILE` that names the process")
	c.Flags().Var((*display.Duration)(&wait), "wait", "how long to wait for the new process")
	return c
}

// restart restarts the server that a file names, and returns the id of the process that serves then.
func restart(ctx context.Context, pidFile string, wait time.Duration) (int, error) {
	old, err := service.Serving(pidFile)
	if err != nil {
		return 0, err
	}
	failure := failureOf(pidFile)
	if err := os.Remove(failure); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return 0, err
	}
	p, err := os.FindProcess(old)
	if err == nil {
		err = p.Signal(restartSignal)
	}
	if err != nil {
		return 0, fmt.Errorf("process %d, which %s names: %w", old, pidFile, err)
	}
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	for look := time.NewTicker(20 * time.Millisecond); ; {
		select {
		case <-look.C:
		case <-ctx.Done():
			return 0, fmt.Errorf("no new process serves yet: the log of process %d says more", old)
		}
		if said, err := os.ReadFile(failure); err == nil && len(said) > 0 && said[len(said)-1] == '\n' {
			return 0, fmt.Errorf("%s; process %d serves on", strings.TrimSpace(string(said)), old)
		}
		// One that removes the file and one that writes it may be at work: what names nobody is not the end.
		if pid, err := service.ReadPID(pidFile); err == nil && pid != old {
			return pid, nil
		}
		if err := p.Signal(zeroSignal); errors.Is(err, os.ErrProcessDone) {
			if pid, err := service.ReadPID(pidFile); err == nil && pid != old {
				return pid, nil
			}
			return 0, fmt.Errorf("process %d has ended, and no other one serves", old)
		}
	}
}
