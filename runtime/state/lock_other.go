//go:build !unix

package state

import (
	"errors"
	"net"
	"os"
)

var errLocked = errors.New("another process has it")

// lockFile makes the file: this system has no lock that ends with a process.
func lockFile(name string) (*os.File, error) { return os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600) }

var errNoSocket = errors.New("this system has no sockets that are files")

func listenSocket(string) (net.Listener, error) { return nil, errNoSocket }
func dialSocket(string) (net.Conn, error)       { return nil, errNoSocket }
