//go:build unix

package service

import (
	"fmt"
	"os"
	"os/user"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

func closeOnExec(fd int) { syscall.CloseOnExec(fd) }

// replaceStderr has f be the standard error, of what the Go runtime writes too.
func replaceStderr(f *os.File) {
	_ = unix.Dup2(int(f.Fd()), 2) // both are open
	f.Close()
}

// NoInput has the standard input be empty, so that nothing waits for a terminal.
func NoInput() error {
	f, err := os.Open(os.DevNull)
	if err != nil {
		return err
	}
	defer f.Close()
	return unix.Dup2(int(f.Fd()), 0)
}

// Umask sets which bits of their mode new files lack.
func Umask(mask int) { syscall.Umask(mask) }

// Own gives the file to a user: see [Become].
func (p *PIDFile) Own(as *Identity) error {
	if p == nil || as == nil {
		return nil
	}
	if err := p.f.Chown(as.uid, as.gid); err != nil {
		return fmt.Errorf("PID file: %w", err)
	}
	return nil
}

// hold has the process hold a file until it ends, as others may, too: one and its successor do.
func hold(f *os.File) {
	lock := &unix.Flock_t{Type: unix.F_RDLCK}
	_ = unix.FcntlFlock(f.Fd(), unix.F_SETLK, lock) // a file system without locks has held know nothing, either
}

// held reports whether a process holds a file, or that cannot be known. It takes no lock that could keep one
// from it.
func held(f *os.File) bool {
	lock := &unix.Flock_t{Type: unix.F_WRLCK}
	err := unix.FcntlFlock(f.Fd(), unix.F_GETLK, lock)
	return err != nil || lock.Type != unix.F_UNLCK
}

// An Identity is the user and the groups that a process runs as.
type Identity struct {
	name     string
	uid, gid int
	groups   []int
}

// FindIdentity returns that of USER, with all groups of the user, or of USER:GROUP, with that group only.
// Each is a name or a number.
func FindIdentity(name string) (*Identity, error) {
	who, group, grouped := strings.Cut(name, ":")
	u, err := user.Lookup(who)
	if err != nil {
		if u, err = user.LookupId(who); err != nil {
			return nil, fmt.Errorf("there is no user %q", who)
		}
	}
	id := &Identity{name: name}
	gid, groups := u.Gid, []string(nil)
	if grouped {
		g, err := user.LookupGroup(group)
		if err != nil {
			if g, err = user.LookupGroupId(group); err != nil {
				return nil, fmt.Errorf("there is no group %q", group)
			}
		}
		gid = g.Gid
	} else if groups, err = u.GroupIds(); err != nil {
		return nil, fmt.Errorf("the groups of user %q: %w", who, err)
	}
	numbers, err := numbersOf(append([]string{u.Uid, gid}, groups...))
	if err != nil {
		return nil, err
	}
	id.uid, id.gid, id.groups = numbers[0], numbers[1], numbers[1:]
	return id, nil
}

func numbersOf(ids []string) ([]int, error) {
	var numbers []int
	for _, id := range ids {
		n, err := strconv.Atoi(id)
		if err != nil {
			return nil, fmt.Errorf("%q is the number of no user and no group", id)
		}
		numbers = append(numbers, n)
	}
	return numbers, nil
}

// Become has all threads of the process run as id from now on, for good. If it runs so already, as
// a successor does, nothing happens.
func Become(id *Identity) error {
	if id == nil || os.Getuid() == id.uid && os.Geteuid() == id.uid && os.Getegid() == id.gid {
		return nil
	}
	if os.Geteuid() != 0 {
		return fmt.Errorf("run as %s: only root can become another user", id.name)
	}
	// Those of Go do it on all threads.
	if err := syscall.Setgroups(id.groups); err != nil {
		return fmt.Errorf("run as %s: set groups: %w", id.name, err)
	}
	if err := syscall.Setgid(id.gid); err != nil {
		return fmt.Errorf("run as %s: set group: %w", id.name, err)
	}
	if err := syscall.Setuid(id.uid); err != nil {
		return fmt.Errorf("run as %s: set user: %w", id.name, err)
	}
	if id.uid != 0 && syscall.Setuid(0) == nil {
		return fmt.Errorf("run as %s: the process could become root again", id.name)
	}
	return nil
}
