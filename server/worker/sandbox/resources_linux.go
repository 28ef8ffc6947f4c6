//go:build linux && (amd64 || arm64)

package sandbox

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
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
		{"memory", "RLIMIT_AS, RLIMIT_DATA", unix.RLIMIT_AS, l.Memory > 0, uint64(l.Memory)},
		{"CPU time", "RLIMIT_CPU", unix.RLIMIT_CPU, l.CPU > 0, seconds},
		{"open files", "RLIMIT_NOFILE", unix.RLIMIT_NOFILE, l.Files > 0, uint64(l.Files)},
		{"file size", "RLIMIT_FSIZE", unix.RLIMIT_FSIZE, l.FileSize > 0, uint64(l.FileSize)},
		{"core dumps", "RLIMIT_CORE", unix.RLIMIT_CORE, true, 0},
	}
}

// limit sets the limits, soft and hard, which are equal but for that of CPU time. Go ignores SIGXFSZ,
// after which write returns EFBIG.
func (l Limits) limit() error {
	for _, r := range l.resources() {
		switch {
		case !r.asked:
			continue
		case r.which == unix.RLIMIT_AS:
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
		hard := n
		if r.which == unix.RLIMIT_CPU {
			hard = min(n+1, had.Max)
			endAtCPU()
		}
		if err := unix.Setrlimit(r.which, &unix.Rlimit{Cur: n, Max: hard}); err != nil {
			return fmt.Errorf("%s: %w", r.name, err)
		}
	}
	return nil
}

// endAtCPU has the process end by itself at its soft limit of CPU time, so that it is seen what it has
// ended of: the kernel, which kills it a second later, does not say.
func endAtCPU() {
	reached := make(chan os.Signal, 1)
	signal.Notify(reached, unix.SIGXCPU)
	go func() {
		<-reached
		os.Exit(ExitCPU)
	}()
}

// arena is what Go's heap grows by (runtime/malloc.go, heapArenaBytes), and misc what Go, SQLite
// and the C library have to map besides.
const (
	arena = 64 << 20
	misc  = 16 << 20
)

// limitMemory lets the process have n more bytes than it has.
//
// Go reserves addresses by the arena, and makes them writable by mappings in their place
// (MAP_FIXED). Linux does not compare such a mapping with RLIMIT_DATA, but counts it, so that Go
// fails at the next other one, and not always well. RLIMIT_AS is compared with what is reserved:
// past it Go says that it is out of memory. RLIMIT_DATA holds for the rest, which is what is
// reserved already, and used by somebody else than Go.
func limitMemory(n int64) error {
	data, size, err := memory()
	if err != nil {
		return err
	}
	more := (n+arena-1)/arena*arena + room
	for _, r := range []struct {
		which int
		limit int64
	}{
		{unix.RLIMIT_AS, size + more},
		{unix.RLIMIT_DATA, data + more + arena}, // the last arena has a rest, reserved
	} {
		limit := unix.Rlimit{Cur: uint64(r.limit), Max: uint64(r.limit)}
		if err := unix.Setrlimit(r.which, &limit); err != nil {
			return err
		}
	}
	// What Go gave back to the system keeps its addresses: collect well before they are used up.
	debug.SetMemoryLimit(goMemory() + n/4*3)
	b, err := unix.Mmap(-1, 0, int(more)+1<<20, unix.PROT_NONE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err == nil {
		return errors.Join(errors.New("RLIMIT_AS does not hold on this kernel"), unix.Munmap(b))
	}
	return nil
}

// memory is what the process has now of what RLIMIT_DATA and RLIMIT_AS count.
func memory() (data, size int64, err error) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, 0, err
	}
	field := func(name string) int64 {
		_, rest, _ := strings.Cut(string(status), "\n"+name+":")
		kB, _, _ := strings.Cut(rest, " kB")
		n, e := strconv.ParseInt(strings.TrimSpace(kB), 10, 64)
		if e != nil {
			err = fmt.Errorf("/proc/self/status has no %s", name)
		}
		return n << 10
	}
	return field("VmData"), field("VmSize"), err
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
