//go:build unix

package files

import "syscall"

// nonblocking has open(2) not wait for the other end of a FIFO.
const nonblocking = syscall.O_NONBLOCK
