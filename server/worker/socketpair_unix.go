//go:build unix

package worker

import (
	"net"
	"os"
	"runtime"
	"syscall"
)

// stream and packets are the kinds of a pair: bytes, or messages that are read as they were written.
const (
	stream  = syscall.SOCK_STREAM
	packets = syscall.SOCK_DGRAM
)

// socketpair makes two sockets that are connected: ours, and one to be inherited.
func socketpair(kind int) (ours net.Conn, theirs *os.File, err error) {
	if kind == packets && runtime.GOOS == "linux" {
		kind = syscall.SOCK_SEQPACKET // which says when the other end is gone; others have none
	}
	syscall.ForkLock.RLock()
	fds, err := syscall.Socketpair(syscall.AF_UNIX, kind, 0)
	if err == nil {
		syscall.CloseOnExec(fds[0])
		syscall.CloseOnExec(fds[1])
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return nil, nil, os.NewSyscallError("socketpair", err)
	}
	mine := os.NewFile(uintptr(fds[0]), "worker")
	defer mine.Close()
	theirs = os.NewFile(uintptr(fds[1]), "front")
	if ours, err = net.FileConn(mine); err != nil {
		theirs.Close()
		return nil, nil, err
	}
	return ours, theirs, nil
}
