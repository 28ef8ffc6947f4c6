//go:build !unix

package worker

import (
	"errors"
	"net"
)

// hand hands over none: there are no workers.
func hand(*net.UnixConn, []byte, net.Conn) (bool, error) { return false, errors.ErrUnsupported }

// inherited returns none: there are no workers.
func inherited([]byte) (net.Conn, error) { return nil, errors.ErrUnsupported }
