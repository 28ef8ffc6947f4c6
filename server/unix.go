package server

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"os/user"
	"strconv"
	"strings"
	"syscall"
)

// An access is who may connect to a unix socket, which takes the right to write to it: what its
// mode, owner and group are. The zero value leaves them to the umask and the process.
type access struct {
	mode         fs.FileMode // 0 if none is given
	owner, group int         // -1 if none is given
}

// parseAccess parses what follows the path of a unix socket: mode=660&owner=USER&group=GROUP, each
// once or not at all.
func parseAccess(query string) (access, error) {
	a := access{owner: -1, group: -1}
	values, err := url.ParseQuery(query)
	if err != nil {
		return a, err
	}
	for name, given := range values {
		value := given[0]
		switch {
		case len(given) > 1:
			return a, fmt.Errorf("%s is given twice", name)
		case name == "mode":
			bits, err := strconv.ParseUint(value, 8, 32)
			if err != nil || bits == 0 || bits > uint64(fs.ModePerm) {
				return a, fmt.Errorf("mode %q is not one as 660", value)
			}
			a.mode = fs.FileMode(bits)
		case name == "owner":
			u, err := user.Lookup(value)
			if err == nil {
				value = u.Uid
			}
			if a.owner, err = strconv.Atoi(value); err != nil || a.owner < 0 {
				return a, fmt.Errorf("there is no user %q", value)
			}
		case name == "group":
			g, err := user.LookupGroup(value)
			if err == nil {
				value = g.Gid
			}
			if a.group, err = strconv.Atoi(value); err != nil || a.group < 0 {
				return a, fmt.Errorf("there is no group %q", value)
			}
		default:
			return a, fmt.Errorf("a unix socket has no %q", name)
		}
	}
	return a, nil
}

// set gives it to the socket at path: the mode last, for it is meant for the new owner and group.
func (a access) set(path string) error {
	if a.owner >= 0 || a.group >= 0 {
		if err := os.Lchown(path, a.owner, a.group); err != nil {
			return err
		}
	}
	if a.mode != 0 {
		return os.Chmod(path, a.mode)
	}
	return nil
}

func (o *Opened) listenUnix(where, rest string) (*Listener, error) {
	path, query, _ := strings.Cut(rest, "?")
	if path == "" {
		return nil, fmt.Errorf("listen: %q has no path: %w", where, ErrAddress)
	}
	a, err := parseAccess(query)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w: %w", where, err, ErrAddress)
	}
	if l := o.take(where, "unix:"+path); l != nil {
		return newListener(l, where, "unix:"+path, nil), nil // who may connect was said when it was made
	}
	l, err := net.Listen("unix", path)
	if errors.Is(err, syscall.EADDRINUSE) && abandoned(path) {
		if err = os.Remove(path); err == nil {
			l, err = net.Listen("unix", path)
		}
	}
	if err != nil {
		return nil, listenError(where, err)
	}
	if err := a.set(path); err != nil {
		l.Close()
		return nil, listenError(where, err)
	}
	return newListener(l, where, "unix:"+path, nil), nil
}

// abandoned reports whether path is a socket that nobody listens on.
func abandoned(path string) bool {
	info, err := os.Lstat(path)
	if err != nil || info.Mode().Type() != fs.ModeSocket {
		return false
	}
	c, err := net.Dial("unix", path)
	if err == nil {
		c.Close()
		return false
	}
	return errors.Is(err, syscall.ECONNREFUSED)
}
