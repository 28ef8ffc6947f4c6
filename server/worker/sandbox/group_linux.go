package sandbox

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// A Group is a control group (cgroup v2) for one worker: the kernel counts all memory that the worker
// causes to be used, and ends it when that is more than the limit. A nil Group does nothing.
type Group struct {
	path string
	dir  *os.File
}

// NewGroup makes a group below that of this process, limited to memory bytes of memory, and no swap.
//
// That takes a delegated group, whose controller of memory is handed on to groups below it
// (cgroup.subtree_control), as systemd gives to a service with Delegate=memory and
// DelegateSubgroup=front: there, the parent of the group in which this process is. Elsewhere an error
// says what is missing, and Watch has to do.
func NewGroup(name string, memory int64) (*Group, error) {
	base, err := delegated("/proc/self/cgroup", "/sys/fs/cgroup")
	if err != nil {
		return nil, err
	}
	return newGroup(filepath.Join(base, name), memory)
}

// delegated is the directory in which groups with a limit of memory can be made. Processes can only
// be in groups without such groups below them (cgroups(7), "no internal processes"), so that it is
// not that of this process, but the one above.
func delegated(self, mount string) (string, error) {
	groups, err := os.ReadFile(self)
	if err != nil {
		return "", fmt.Errorf("sandbox: %w", err)
	}
	for line := range strings.Lines(string(groups)) {
		own, ok := strings.CutPrefix(strings.TrimSpace(line), "0::")
		if !ok {
			continue
		}
		base := filepath.Join(mount, filepath.Dir(own))
		control, err := os.ReadFile(filepath.Join(base, "cgroup.subtree_control"))
		if err != nil {
			return "", fmt.Errorf("sandbox: no cgroup v2 to make groups in: %w", err)
		}
		for _, c := range strings.Fields(string(control)) {
			if c == "memory" {
				return base, nil
			}
		}
		return "", fmt.Errorf("sandbox: %s does not hand the memory controller on", base)
	}
	return "", errors.New("sandbox: this process is in no cgroup v2")
}

func newGroup(path string, memory int64) (*Group, error) {
	if err := os.Mkdir(path, 0o755); err != nil {
		return nil, fmt.Errorf("sandbox: %w", err)
	}
	g := &Group{path: path}
	err := g.write("memory.max", strconv.FormatInt(memory, 10))
	if err == nil {
		err = g.write("memory.swap.max", "0")
		if errors.Is(err, os.ErrNotExist) {
			err = nil // a kernel that does not count swap
		}
	}
	if err == nil {
		g.dir, err = os.Open(path)
	}
	if err != nil {
		return nil, fmt.Errorf("sandbox: %w", errors.Join(err, os.Remove(path)))
	}
	return g, nil
}

func (g *Group) write(file, value string) error {
	f, err := os.OpenFile(filepath.Join(g.path, file), os.O_WRONLY, 0) // kernel files: never made
	if err != nil {
		return err
	}
	_, err = f.WriteString(value)
	return errors.Join(err, f.Close())
}

func (g *Group) join(attr *syscall.SysProcAttr) {
	if g != nil {
		attr.UseCgroupFD, attr.CgroupFD = true, int(g.dir.Fd())
	}
}

// Killed is how many processes of the group the kernel has killed because its memory was used up.
func (g *Group) Killed() int {
	if g == nil {
		return 0
	}
	events, err := os.ReadFile(filepath.Join(g.path, "memory.events"))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(events)) {
		if n, ok := strings.CutPrefix(line, "oom_kill "); ok {
			killed, _ := strconv.Atoi(strings.TrimSpace(n))
			return killed
		}
	}
	return 0
}

// Close removes the group. Its processes must have ended and been waited for.
func (g *Group) Close() error {
	if g == nil {
		return nil
	}
	return errors.Join(g.dir.Close(), os.Remove(g.path))
}
