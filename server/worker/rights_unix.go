//go:build unix

package worker

import (
	"net"
	"os"
	"syscall"
)

// hand writes p, and with it the descriptor of conn if it has one, and reports whether.
func hand(packets *net.UnixConn, p []byte, conn net.Conn) (sent bool, err error) {
	c, ok := conn.(syscall.Conn)
	if !ok {
		return false, nil
	}
	raw, err := c.SyscallConn()
	if err != nil {
		return false, err
	}
	wrong := raw.Control(func(fd uintptr) {
		_, _, err = packets.WriteMsgUnix(p, syscall.UnixRights(int(fd)), nil)
	})
	if err == nil {
		err = wrong
	}
	return err == nil, err
}

// inherited returns the connection whose descriptor came with a packet, nil if none did.
func inherited(rights []byte) (net.Conn, error) {
	messages, err := syscall.ParseSocketControlMessage(rights)
	if err != nil || len(messages) == 0 {
		return nil, err
	}
	fds, err := syscall.ParseUnixRights(&messages[0])
	if err != nil || len(fds) == 0 {
		return nil, err
	}
	f := os.NewFile(uintptr(fds[0]), "connection")
	defer f.Close()
	return net.FileConn(f)
}
