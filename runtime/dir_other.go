//go:build !unix

package runtime

// nonblocking is nothing where a directory holds no FIFO.
const nonblocking = 0
