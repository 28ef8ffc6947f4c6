//go:build !unix

package worker

import (
	"errors"
	"net"
	"os"
)

// socketpair makes none: there is nothing of the kind that a process can inherit.
func socketpair() (net.Conn, *os.File, error) { return nil, nil, errors.ErrUnsupported }
