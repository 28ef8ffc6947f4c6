//go:build !unix

package worker

import (
	"errors"
	"net"
	"os"
)

// stream and packets are the kinds of a pair.
const stream, packets = 0, 1

// socketpair makes none: there is nothing of the kind that a process can inherit.
func socketpair(int) (net.Conn, *os.File, error) { return nil, nil, errors.ErrUnsupported }
