//go:build unix

package worker

import (
	"os"
	"syscall"
)

// shared returns the first size bytes of a file as memory that is shared with whoever has it open, until
// the process ends.
func shared(f *os.File, size int) ([]byte, error) {
	return syscall.Mmap(int(f.Fd()), 0, size, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
}
