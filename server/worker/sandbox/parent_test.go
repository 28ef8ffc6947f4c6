//go:build linux && (amd64 || arm64)

package sandbox

import (
	"bufio"
	"context"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestOrphan kills a parent with SIGKILL: what it started is gone when the pipe that both write to
// has no writer.
func TestOrphan(t *testing.T) {
	cmd := command("parent")
	in, err := cmd.StdinPipe() // stays open: nobody is told to end
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	rest := bufio.NewReader(out)
	if line, err := rest.ReadString('\n'); line != "here\n" {
		t.Fatalf("the victim said %q, %v", line, err)
	}
	cmd.Process.Kill()
	if _, err := io.Copy(io.Discard, rest); err != nil {
		t.Fatal(err)
	}
	cmd.Wait()
}

// TestStarterClose ends what it started.
func TestStarterClose(t *testing.T) {
	var s Starter
	cmd := command("victim")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	if err := s.Start(cmd, nil); err != nil {
		t.Fatal(err)
	}
	s.Close()
	s.Close()
	if err := cmd.Wait(); err == nil || err.Error() != "signal: killed" {
		t.Errorf("the process ended by %v", err)
	}
	if err := s.Start(command("victim"), nil); err == nil {
		t.Error("a closed starter starts")
	}
}

// TestNoNetwork starts a process in a network namespace of its own, and has nothing else hold it
// there.
func TestNoNetwork(t *testing.T) {
	s := Starter{NoNetwork: true}
	defer s.Close()
	can := canMakeNetwork()
	t.Logf("a namespace can be made: %v", can)
	refused := map[string]bool{"connect by TCP": can, "send by UDP": can,
		"connect to an abstract socket": can, "connect to a unix socket": false}
	c, _ := order{Without: []string{"seccomp", "landlock"}, Scene: newScene(t),
		Attempts: slices.Collect(maps.Keys(refused))}.runIn(t, &s)
	for name, want := range refused {
		if got := c.outcomes[name]; got != "ok" != want {
			t.Errorf("%s: %s", name, got)
		}
	}
	if enforces(c.Report, "network") != can {
		t.Errorf("the report says\n%s", c.Report)
	}
}

// TestWatch sees a process grow that nothing limits.
func TestWatch(t *testing.T) {
	var s Starter
	defer s.Close()
	c := order{Without: []string{"all"}, Attempts: []string{"grow and wait"}}.start(t, &s, nil)
	pid := c.cmd.Process.Pid
	if n := Watch(t.Context(), pid, 64<<20, time.Millisecond); n <= 64<<20 {
		t.Errorf("Watch returned %d", n)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if n := Watch(ctx, pid, 1<<40, time.Hour); n != 0 {
		t.Errorf("Watch that is told to end returned %d", n)
	}
	c.end(t)
	if n := Watch(t.Context(), pid, 1<<40, time.Hour); n != 0 {
		t.Errorf("Watch of a process that ended returned %d", n)
	}
}

// TestDelegated says where groups can be made, or why they cannot.
func TestDelegated(t *testing.T) {
	for _, tt := range []struct{ self, control, want string }{
		{"0::/app.service/front\n", "cpu memory pids", "/app.service"},
		{"4:memory:/a\n0::/app.service/front\n", "memory\n", "/app.service"},
		{"0::/app.service/front\n", "", "/app.service to be handed on"},
		{"0::/app.service/front\n", "cpu", "no cgroup v2 to make groups in: /app.service has no controller"},
		{"0::/system.slice/app.service\n", "memory\n", "/system.slice is not delegated"},
		{"0::/other/front\n", "memory\n", "no cgroup v2 to make groups in: "},
		{"4:memory:/a\n", "memory\n", "this process is in no cgroup v2"},
	} {
		mount := t.TempDir()
		self := filepath.Join(mount, "self")
		control := filepath.Join(mount, "app.service/cgroup.subtree_control")
		for _, err := range []error{os.WriteFile(self, []byte(tt.self), 0o644),
			os.Mkdir(filepath.Dir(control), 0o755),
			os.WriteFile(control, []byte(tt.control), 0o644),
			os.WriteFile(filepath.Join(filepath.Dir(control), "cgroup.controllers"),
				[]byte(map[bool]string{true: "cpu memory", false: "cpu"}[tt.control == ""]), 0o644)} {
			if err != nil {
				t.Fatal(err)
			}
		}
		got, handed, err := delegated(self, mount)
		if err != nil {
			got = err.Error()
		} else if !handed {
			if err := handOn(got); err != nil {
				t.Error(err)
			}
			got += " to be handed on"
		}
		if got = strings.ReplaceAll(got, mount, ""); !strings.HasPrefix(got, tt.want) {
			t.Errorf("%q, %q: got %s, want %s", tt.self, tt.control, got, tt.want)
		}
		text, err := os.ReadFile(control)
		if tt.control == "" && string(text) != "+memory" {
			t.Errorf("the controller is not handed on: %q, %v", text, err)
		}
	}
}

// TestGroup limits a process by a group where one is delegated. Where none is, NewGroup says so,
// and what does not need the controller is tried: to start a process in a group.
func TestGroup(t *testing.T) {
	var s Starter
	defer s.Close()
	g, err := NewGroup("larkspur-test-"+strconv.Itoa(os.Getpid()), 128<<20)
	if err == nil {
		o := order{Without: []string{"all"}, Attempts: []string{"memory in one step"}}
		c := o.start(t, &s, g)
		if end := c.end(t); end != "signal: killed" || g.Killed() != 1 {
			t.Errorf("%s, %d killed", end, g.Killed())
		}
		if err := g.Close(); err != nil {
			t.Error(err)
		}
		return
	}
	t.Logf("no limit by a group here: %v", err)
	if !strings.HasPrefix(err.Error(), "sandbox: ") {
		t.Errorf("%v", err)
	}
	mount := ""
	for _, dir := range []string{"/sys/fs/cgroup", "/sys/fs/cgroup/unified"} {
		var fs unix.Statfs_t
		if unix.Statfs(dir, &fs) == nil && fs.Type == unix.CGROUP2_SUPER_MAGIC {
			mount = dir
		}
	}
	path := filepath.Join(mount, "larkspur-test-"+strconv.Itoa(os.Getpid()))
	if mount == "" || os.Mkdir(path, 0o755) != nil {
		t.Log("nor can a group without a limit be made")
		return
	}
	dir, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	g = &Group{path: path, dir: dir}
	c := order{Without: []string{"all"}, Attempts: []string{"wait"}}.start(t, &s, g)
	procs, err := os.ReadFile(filepath.Join(path, "cgroup.procs"))
	if err != nil || strings.TrimSpace(string(procs)) != strconv.Itoa(c.cmd.Process.Pid) {
		t.Errorf("the group has %q, %v; want %d", procs, err, c.cmd.Process.Pid)
	}
	c.end(t)
	if err := g.Close(); err != nil {
		t.Error(err)
	}
	if _, err := newGroup(path, 1<<20); err == nil {
		t.Error("a group without the memory controller is made")
	} else if _, gone := os.Stat(path); !os.IsNotExist(gone) {
		t.Errorf("%v, and the group is left: %v", err, gone)
	}
}

// BenchmarkStart is the time from the start of a process until it has entered, that of Enter in it,
// and what memory of its own it has then.
func BenchmarkStart(b *testing.B) {
	limits := Limits{Memory: 64 << 20, CPU: time.Minute, Files: 100, FileSize: 1 << 20}
	for _, bb := range []struct {
		name    string
		starter *Starter
		without []string
	}{
		{"free", new(Starter), []string{"all"}},
		{"confined", new(Starter), nil},
		{"namespace", &Starter{NoNetwork: true}, nil},
	} {
		b.Run(bb.name, func(b *testing.B) {
			dir := b.TempDir()
			o := order{Without: bb.without, Attempts: []string{"wait"}, Limits: limits,
				Access: Access{Read: []string{dir}, Write: []string{dir}}}
			var took, n, resident int64
			for b.Loop() {
				c := o.start(b, bb.starter, nil)
				b.StopTimer()
				r, err := Resident(c.cmd.Process.Pid)
				if err != nil {
					b.Fatal(err)
				}
				took, n, resident = took+c.Took.Microseconds(), n+1, resident+r>>10
				c.end(b)
				b.StartTimer()
			}
			b.ReportMetric(float64(took)/float64(n), "µs-Enter/op")
			b.ReportMetric(float64(resident)/float64(n), "KiB")
		})
		bb.starter.Close()
	}
}
