package watch

import (
	"errors"
	"os"
	"syscall"
)

// fcntl(2): commands that package syscall does not name.
const setLease = 1024

// openForWriting reports whether somebody has the file at path open to write. The kernel gives a
// read lease only on a file that nobody writes (fcntl(2), "Leases"); it is given back at once.
// Where no lease is to be had, for a file of another user or on a network file system, the answer
// is no.
func openForWriting(path string) bool {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) // a FIFO must not wait
	if err != nil {
		return false
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return false
	}
	c, err := f.SyscallConn()
	if err != nil {
		return false
	}
	var errno syscall.Errno
	err = c.Control(func(fd uintptr) {
		if _, _, errno = syscall.Syscall(syscall.SYS_FCNTL, fd, setLease, syscall.F_RDLCK); errno == 0 {
			_, _, _ = syscall.Syscall(syscall.SYS_FCNTL, fd, setLease, syscall.F_UNLCK)
		}
	})
	return err == nil && errors.Is(errno, syscall.EAGAIN)
}
