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

	"golang.org/x/sys/unix"
)

// A Group is a control group (cgroup v2) for one worker: the kernel counts all memory that the
// worker causes to be used, and ends it when that is more than the limit. A nil Group does nothing.
type Group struct {
	path string
	dir  *os.File
}

// Groups returns why no Group can be made here, nil if one can. It changes nothing.
func Groups() error {
	if _, _, err := delegated(ownGroups, groups); err != nil {
		return fmt.Errorf("sandbox: %w", err)
	}
	return nil
}

// Where the kernel says in which groups this process is, and where it shows them.
const (
	ownGroups = "/proc/self/cgroup"
	groups    = "/sys/fs/cgroup"
)

// NewGroup makes a group beside that of this process, limited to memory bytes, and no swap.
//
// That takes a delegated group which has the controller of memory, and this process in a group
// below it, as systemd does for a service with Delegate=memory and DelegateSubgroup=front.
// Elsewhere an error says what is missing, and Watch has to do.
func NewGroup(name string, memory int64) (*Group, error) {
	base, handed, err := delegated(ownGroups, groups)
	if err == nil && !handed {
		err = handOn(base)
	}
	if err != nil {
		return nil, fmt.Errorf("sandbox: %w", err)
	}
	return newGroup(filepath.Join(base, name), memory)
}

// delegated is the directory in which groups with a limit of memory can be made, and whether the
// controller of memory has been handed on to those. A group with a limit cannot be below one that has
// processes (cgroups(7), "no internal processes"), so that it is not that of this process, but the one
// above.
func delegated(self, mount string) (base string, handed bool, err error) {
	groups, err := os.ReadFile(self)
	if err != nil {
		return "", false, err
	}
	own, ok := "", false
	for line := range strings.Lines(string(groups)) {
		if path, v2 := strings.CutPrefix(strings.TrimSpace(line), "0::"); v2 {
			own, ok = path, true
		}
	}
	base = filepath.Join(mount, filepath.Dir(own))
	switch {
	case !ok:
		return "", false, errors.New("this process is in no cgroup v2")
	case strings.HasSuffix(base, ".slice"):
		return "", false, fmt.Errorf("%s is not delegated to this process", base) // but systemd's own
	}
	has := func(file string) (bool, error) {
		controllers, err := os.ReadFile(filepath.Join(base, file))
		return slices.Contains(strings.Fields(string(controllers)), "memory"), err
	}
	handed, err = has(subtree)
	if err == nil && !handed {
		var here bool
		if here, err = has("cgroup.controllers"); err == nil && !here {
			err = fmt.Errorf("%s has no controller of memory", base)
		}
	}
	if err == nil {
		err = unix.Access(base, unix.W_OK)
	}
	if err != nil {
		return "", false, fmt.Errorf("no cgroup v2 to make groups in: %w", err)
	}
	return base, handed, nil
}

// subtree is the file that says which controllers a group hands on to those in it.
const subtree = "cgroup.subtree_control"

// handOn has a group hand on the controller of memory to those in it.
func handOn(base string) error {
	if err := write(filepath.Join(base, subtree), "+memory"); err != nil {
		return fmt.Errorf("the controller of memory: %w", err)
	}
	return nil
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
