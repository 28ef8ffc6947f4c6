//go:build linux && (amd64 || arm64)

package sandbox

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// An order is what a child of the test does: enter the sandbox, or a part of it, and try things.
type order struct {
	Without  []string // "landlock", "seccomp", or "all" for no sandbox
	Limits   Limits
	Access   Access
	Attempts []string // names of attempts
	Scene    scene
}

// A scene is what there is to attack.
type scene struct {
	Dir                  string // of all that follow
	Read, Write, Outside string // directories; the last is not granted
	TCP, OtherTCP, UDP   string // addresses of listeners
	Unix, Abstract       string // unix sockets, in the file system and not
	Victim               int    // a process of the same user
}

// An entry is what the child says first.
type entry struct {
	Report Report
	Took   time.Duration // by Enter
}

// An outcome is what came of an attempt.
type outcome struct{ Name, Error string }

const orderKey = "SANDBOX_TEST_ORDER"

func TestMain(m *testing.M) {
	switch text := os.Getenv(orderKey); text {
	case "":
		os.Exit(m.Run())
	case "victim": // waits for its end
		os.Stdout.WriteString("here\n")
		io.Copy(io.Discard, os.Stdin)
	case "parent": // starts a victim, and waits
		var s Starter
		cmd := command("victim")
		cmd.Stdin, cmd.Stdout = os.Stdin, os.Stdout
		if err := s.Start(cmd, nil); err != nil {
			panic(err)
		}
		cmd.Wait()
	default:
		var o order
		if err := json.Unmarshal([]byte(text), &o); err != nil {
			panic(err)
		}
		if err := o.run(json.NewEncoder(os.Stdout)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}

// run is what the child does.
func (o order) run(out *json.Encoder) error {
	k := lookKernel()
	confined := true
	for _, w := range o.Without {
		switch w {
		case "landlock":
			k.landlock, k.signals = 0, false
		case "seccomp":
			k.seccomp = false
		case "all":
			confined = false
		}
	}
	olderThreads()
	var core unix.Rlimit // of as much as can be, for the limit to have something to do
	if err := unix.Getrlimit(unix.RLIMIT_CORE, &core); err != nil {
		return err
	}
	core.Cur = core.Max
	if err := unix.Setrlimit(unix.RLIMIT_CORE, &core); err != nil {
		return err
	}
	var e entry
	var err error
	start := time.Now()
	if confined && len(o.Without) == 0 {
		e.Report, err = Enter(o.Limits, o.Access)
	} else if confined {
		e.Report = k.report(o.Limits, o.Access)
		err = enter(k, o.Limits, o.Access)
	}
	e.Took = time.Since(start)
	out.Encode(e)
	for _, name := range o.Attempts {
		text := "ok"
		if err := attemptNamed(name).try(o.Scene); err != nil {
			text = err.Error()
		}
		out.Encode(outcome{name, text})
	}
	return err
}

// command is the test's own binary, to be started for what env says.
func command(env string) *exec.Cmd {
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), orderKey+"="+env)
	return cmd
}

// A child carries out an order.
type child struct {
	entry
	cmd      *exec.Cmd
	in       io.WriteCloser // a child that waits does so until this is closed
	out      *json.Decoder
	stderr   bytes.Buffer
	outcomes map[string]string // of what it said so far
}

// start has a child begin with the order.
func (o order) start(t testing.TB, s *Starter, g *Group) *child {
	t.Helper()
	text, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	c := &child{cmd: command(string(text)), outcomes: map[string]string{}}
	c.cmd.Dir = o.Scene.Dir // of a core dump
	c.cmd.Stderr = &c.stderr
	if c.in, err = c.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	stdout, err := c.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start(c.cmd, g); err != nil {
		t.Fatal(err)
	}
	c.out = json.NewDecoder(stdout)
	if err := c.out.Decode(&c.entry); err != nil {
		t.Fatalf("the child did not enter: %v; %v\n%s", err, c.cmd.Wait(), &c.stderr)
	}
	return c
}

// next waits for the next outcome; there is none when the child ends.
func (c *child) next() (outcome, error) {
	var o outcome
	err := c.out.Decode(&o)
	if err == nil {
		c.outcomes[o.Name] = o.Error
	}
	return o, err
}

// end waits for the rest of the outcomes and for the end of the child, and says how it ended.
func (c *child) end(t testing.TB) string {
	t.Helper()
	c.in.Close()
	for {
		if _, err := c.next(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("the child spoke out of turn: %v", err)
		}
	}
	c.cmd.Wait()
	return c.cmd.ProcessState.String()
}

// peak is the most memory that was resident, of files included.
func (c *child) peak() string {
	usage := c.cmd.ProcessState.SysUsage().(*syscall.Rusage)
	return fmt.Sprintf("%d MiB", usage.Maxrss>>10)
}

// runIn has a child carry the order out, and waits for its end.
func (o order) runIn(t testing.TB, s *Starter) (*child, string) {
	t.Helper()
	c := o.start(t, s, nil)
	return c, c.end(t)
}
