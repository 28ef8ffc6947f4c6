//go:build !unix

package files

// nonblocking is nothing where a directory holds no FIFO.
const nonblocking = 0
