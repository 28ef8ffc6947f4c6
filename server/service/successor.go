package service

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	"github.com/larkspur-web/larkspur/server"
)

// A Successor is the process that takes the place of this one. The zero value is this program, whichever
// file has its name by now, with the same arguments.
type Successor struct {
	// Path is the program. Empty means what the first of the arguments of this process names, as when it
	// was started: a link may point to another release since.
	Path string
	// Args are its arguments, with the name before them. Nil means those of this process.
	Args []string
	// Dir is where it is started, and what a relative Path begins at. Empty means the working directory.
	Dir string
	// Env are variables that it has beside those of this process, as NAME=VALUE.
	Env []string
	// Foreign is [Heritage.Foreign] of this process.
	Foreign bool
	// Timeout is how long it may take until it serves. Zero means two minutes.
	Timeout time.Duration
	// Output receives what it writes to its standard error until it is ready. Nil means os.Stderr.
	Output io.Writer
}

// A StartError is the error of a successor that does not serve.
type StartError struct {
	Err    error  // how it ended
	Output string // the end of what it wrote
}

func (e *StartError) Error() string {
	if e.Output == "" {
		return fmt.Sprintf("restart: %v", e.Err)
	}
	return fmt.Sprintf("restart: %v: %s", e.Err, e.Output)
}

// Unwrap returns Err.
func (e *StartError) Unwrap() error { return e.Err }

var (
	errLate    = errors.New("the new process did not say in time that it serves")
	errSilent  = errors.New("the new process ended before it served")
	errStopped = errors.New("the new process was ended, since this one ends")
)

// Start starts the successor with the sockets of listeners, and returns its process id once it serves:
// whoever calls it then stops serving, and ends. If it fails, a [StartError] as a rule, nothing is left of
// the successor. When ctx ends before, so does the successor.
func (s *Successor) Start(ctx context.Context, listeners []*server.Listener) (pid int, err error) {
	ready, theirs, err := os.Pipe()
	if err != nil {
		return 0, fmt.Errorf("restart: %w", err)
	}
	defer ready.Close()
	files := []*os.File{theirs, os.Stderr}
	defer func() {
		for _, f := range files {
			if f != os.Stderr {
				f.Close()
			}
		}
	}()
	for _, l := range listeners {
		l.Leave(true)
	}
	defer func() {
		for _, l := range listeners {
			l.Leave(err == nil || s.Foreign)
		}
	}()
	b := bequest{Ready: firstFile, Stderr: firstFile + 1, Foreign: s.Foreign}
	for _, l := range listeners {
		f, err := l.File()
		if err != nil {
			return 0, fmt.Errorf("restart: %w", err)
		}
		files = append(files, f)
		b.Sockets = append(b.Sockets, l.Where)
	}
	said, err := json.Marshal(b)
	if err != nil {
		return 0, fmt.Errorf("restart: %w", err)
	}
	c, out := s.command(), &output{to: s.Output}
	c.Env = append(append(os.Environ(), s.Env...), variable+"="+string(said))
	c.Stderr, c.ExtraFiles = out, files
	c.WaitDelay = time.Second // its own children may have its standard error
	if err := c.Start(); err != nil {
		return 0, &StartError{Err: err}
	}
	theirs.Close()
	ended := make(chan error, 1)
	go func() { ended <- c.Wait() }()
	if err := s.wait(ctx, ready, ended, c.Process); err != nil {
		return 0, &StartError{Err: err, Output: out.end()}
	}
	return c.Process.Pid, nil
}

func (s *Successor) command() *exec.Cmd {
	args := s.Args
	if args == nil {
		args = os.Args
	}
	c := exec.Command(cmp.Or(s.Path, os.Args[0]))
	c.Args, c.Dir, c.Stdout = args, s.Dir, os.Stdout
	return c
}

// wait waits until the process is ready. If it is not, it ends it.
func (s *Successor) wait(ctx context.Context, ready *os.File, ended chan error, p *os.Process) error {
	heard := make(chan bool, 1)
	go func() {
		line, _ := bufio.NewReader(ready).ReadString('\n')
		heard <- strings.TrimSpace(line) == readyWord
	}()
	late := time.NewTimer(cmp.Or(s.Timeout, 2*time.Minute))
	defer late.Stop()
	var why error
	select {
	case yes := <-heard:
		if yes {
			return nil
		}
		why = errSilent // it has ended, or closed what it does not know
	case <-late.C:
		why = errLate
	case <-ctx.Done():
		why = errStopped
	case err := <-ended:
		return exited(err)
	}
	if why == errSilent {
		select {
		case err := <-ended:
			return exited(err)
		case <-late.C:
			why = errLate
		case <-ctx.Done():
			why = errStopped
		}
	}
	_ = p.Kill() // it may have ended meanwhile
	<-ended
	return why
}

func exited(err error) error {
	if err == nil {
		return errSilent
	}
	return fmt.Errorf("%w: %w", errSilent, err)
}

// maxOutput is how much of what a successor wrote is kept for the error.
const maxOutput = 8 << 10

// An output passes on what is written, and keeps the end of it.
type output struct {
	to io.Writer

	mu   sync.Mutex
	last []byte
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.last = append(o.last, p...)
	if more := len(o.last) - maxOutput; more > 0 {
		o.last = append([]byte(nil), o.last[more:]...)
	}
	if o.to == nil {
		_, _ = os.Stderr.Write(p) // nobody reads it: that is no reason to stop the successor
		return len(p), nil
	}
	_, _ = o.to.Write(p)
	return len(p), nil
}

func (o *output) end() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return string(bytes.TrimSpace(o.last))
}
