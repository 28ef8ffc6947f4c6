//go:build linux && (amd64 || arm64)

package sandbox

import (
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// A resource is one that setrlimit(2) limits.
type resource struct {
	name, by string
	which    int
	asked    bool
	limit    uint64
}

// resources are those that l limits; that of memory is worked out by limitMemory.
func (l Limits) resources() []resource {
	seconds := uint64((l.CPU + time.Second - 1) / time.Second)
	return []resource{
		{"memory", "RLIMIT_DATA", unix.RLIMIT_DATA, l.Memory > 0, uint64(l.Memory)},
		{"CPU time", "RLIMIT_CPU", unix.RLIMIT_CPU, l.CPU > 0, seconds},
		{"open files", "RLIMIT_NOFILE", unix.RLIMIT_NOFILE, l.Files > 0, uint64(l.Files)},
		{"file size", "RLIMIT_FSIZE", unix.RLIMIT_FSIZE, l.FileSize > 0, uint64(l.FileSize)},
		{"core dumps", "RLIMIT_CORE", unix.RLIMIT_CORE, true, 0},
	}
}

// limit sets the limits, soft and hard. Where they are equal, the kernel kills at that of CPU time;
// Go would ignore the SIGXCPU of a soft one, as it does SIGXFSZ, after which write returns EFBIG.
func (l Limits) limit() error {
	for _, r := range l.resources() {
		switch {
		case !r.asked:
			continue
		case r.which == unix.RLIMIT_DATA:
			if err := limitMemory(l.Memory); err != nil {
				return fmt.Errorf("memory: %w", err)
			}
			continue
		}
		// A hard limit can only be lowered: what is asked may be above what the process has.
		var had unix.Rlimit
		if err := unix.Getrlimit(r.which, &had); err != nil {
			return fmt.Errorf("%s: %w", r.name, err)
		}
		n := min(r.limit, had.Max)
		if err := unix.Setrlimit(r.which, &unix.Rlimit{Cur: n, Max: n}); err != nil {
			return fmt.Errorf("%s: %w", r.name, err)
		}
	}
	return nil
}

// limitMemory lets the process have n more bytes of writable private memory than it has, and Go
// three quarters of them before it collects as hard as it can: what it gave back to the system keeps
// its addresses, which RLIMIT_DATA goes on counting.
func limitMemory(n int64) error {
	have, err := dataSize()
	if err != nil {
		return err
	}
	n += moreStacks
	limit := unix.Rlimit{Cur: uint64(have + n), Max: uint64(have + n)}
	if err := unix.Setrlimit(unix.RLIMIT_DATA, &limit); err != nil {
		return err
	}
	debug.SetMemoryLimit(goMemory() + (n-moreStacks)/4*3)
	// Linux before 4.7 counted only the heap of brk(2), which Go does not use. See that it holds.
	b, err := unix.Mmap(-1, 0, int(n)+1<<20, unix.PROT_READ|unix.PROT_WRITE,
		unix.MAP_PRIVATE|unix.MAP_ANON|unix.MAP_NORESERVE)
	if err == nil {
		return errors.Join(errors.New("RLIMIT_DATA does not hold on this kernel"), unix.Munmap(b))
	}
	return nil
}

// dataSize is what the process has now of what RLIMIT_DATA counts.
func dataSize() (int64, error) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(status), "\nVmData:")
	kB, _, ok := strings.Cut(rest, " kB")
	n, err := strconv.ParseInt(strings.TrimSpace(kB), 10, 64)
	if !ok || err != nil {
		return 0, errors.New("/proc/self/status has no VmData")
	}
	return n << 10, nil
}

// goMemory is what debug.SetMemoryLimit counts: what Go's runtime has of the system now.
func goMemory() int64 {
	s := []metrics.Sample{
		{Name: "/memory/classes/total:bytes"},
		{Name: "/memory/classes/heap/released:bytes"},
	}
	metrics.Read(s)
	return int64(s[0].Value.Uint64() - s[1].Value.Uint64())
}
