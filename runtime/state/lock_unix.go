//go:build unix

package state

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"syscall"
)

// errLocked says that another process has the lock.
var errLocked = errors.New("another process has it")

// lockFile takes the lock that a file is, until it is closed or the process ends.
func lockFile(name string) (*os.File, error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	switch err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err {
	case nil:
		return f, nil
	case syscall.EWOULDBLOCK:
		f.Close()
		return nil, errLocked
	default:
		f.Close()
		return nil, &os.PathError{Op: "lock", Path: name, Err: err}
	}
}

// socketName is the name of the socket in the directory.
const socketName = "socket"

// listenSocket makes the socket. One that is there is of a process that has died: this one has the
// lock.
func listenSocket(dir string) (net.Listener, error) {
	path, done, err := socketPath(dir)
	if err != nil {
		return nil, err
	}
	defer done()
	_ = os.Remove(path)
	return net.Listen("unix", path)
}

func dialSocket(dir string) (net.Conn, error) {
	path, done, err := socketPath(dir)
	if err != nil {
		return nil, err
	}
	defer done()
	return net.Dial("unix", path)
}

// maxSocket is how long the path of a socket may be: sun_path of unix(7) has 108 bytes, or 104.
const maxSocket = 103

// socketPath returns a path of the socket that is short enough, until done is called.
func socketPath(dir string) (path string, done func(), err error) {
	path = filepath.Join(dir, socketName)
	if len(path) <= maxSocket {
		return path, func() {}, nil
	}
	f, err := os.Open(dir)
	if err != nil {
		return "", nil, err
	}
	return fmt.Sprintf("/proc/self/fd/%d/%s", f.Fd(), socketName), func() { f.Close() }, nil
}
