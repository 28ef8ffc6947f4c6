package sandbox

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// A Group is a control group (cgroup v2) for one worker: the kernel counts all memory that the
// worker causes to be used, and ends it when that is more than the limit. A nil Group does nothing.
type Group struct {
	path string
	dir  *os.File
}

// NewGroup makes a group beside that of this process, limited to memory bytes, and no swap.
//
// That takes a delegated group which has the controller of memory, and this process in a group
// below it, as systemd does for a service with Delegate=memory and DelegateSubgroup=front.
// Elsewhere an error says what is missing, and Watch has to do.
func NewGroup(name string, memory int64) (*Group, error) {
	base, err := delegated("/proc/self/cgroup", "/sys/fs/cgroup")
	if err != nil {
		return nil, fmt.Errorf("sandbox: %w", err)
	}
	return newGroup(filepath.Join(base, name), memory)
}

// delegated is the directory in which groups with a limit of memory can be made. A group with a
// limit cannot be below one that has processes (cgroups(7), "no internal processes"), so that it is
// not that of this process, but the one above.
func delegated(self, mount string) (string, error) {
	groups, err := os.ReadFile(self)
	if err != nil {
		return "", err
	}
	own, ok := "", false
	for line := range strings.Lines(string(groups)) {
		if path, v2 := strings.CutPrefix(strings.TrimSpace(line), "0::"); v2 {
			own, ok = path, true
		}
	}
	base := filepath.Join(mount, filepath.Dir(own))
	switch {
	case !ok:
		return "", errors.New("this process is in no cgroup v2")
	case strings.HasSuffix(base, ".slice"):
		return "", fmt.Errorf("%s is not delegated to this process", base) // but systemd's own
	}
	control := filepath.Join(base, "cgroup.subtree_control")
	handed, err := os.ReadFile(control)
	if err != nil {
		return "", fmt.Errorf("no cgroup v2 to make groups in: %w", err)
	}
	if slices.Contains(strings.Fields(string(handed)), "memory") {
		return base, nil
	}
	if err := write(control, "+memory"); err != nil {
		return "", fmt.Errorf("the controller of memory: %w", err)
	}
	return base, nil
}

func newGroup(path string, memory int64) (*Group, error) {
	if err := os.Mkdir(path, 0o755); err != nil {
		return nil, fmt.Errorf("sandbox: %w", err)
	}
	g := &Group{path: path}
	err := write(filepath.Join(path, "memory.max"), strconv.FormatInt(memory, 10))
	if err == nil {
		err = write(filepath.Join(path, "memory.swap.max"), "0")
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

// write writes to a file of the kernel, which is never made.
func write(file, value string) error {
	f, err := os.OpenFile(file, os.O_WRONLY, 0)
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
