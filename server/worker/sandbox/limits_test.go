//go:build linux && (amd64 || arm64)

package sandbox

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// limitAttempts fail by a limit, and the process lives on.
var limitAttempts = []attempt{
	{"write a big file", "file size", "l", func(s scene) error {
		return os.WriteFile(filepath.Join(s.Write, "big"), make([]byte, 2<<20), 0o644)
	}},
	{"open many files", "open files", "l", func(s scene) error {
		for range 100 {
			f, err := os.Open(filepath.Join(s.Read, "app.star"))
			if err != nil {
				return err
			}
			defer f.Close()
		}
		return nil
	}},
	{"live in half of its memory", "", "", func(scene) error {
		// 32 of 64 MiB live, and twenty times that much thrown away.
		live := make([][]byte, 512)
		for i := range 20 * len(live) {
			live[i%len(live)] = make([]byte, 64<<10)
			live[i%len(live)][i%1000] = 1
		}
		return nil
	}},
}

// fatalAttempts end the process by a limit; without one they stop by themselves.
var fatalAttempts = []attempt{
	{"memory in one step", "memory", "l", func(scene) error {
		touch(make([]byte, 256<<20))
		return nil
	}},
	{"memory in many steps", "memory", "l", func(scene) error {
		var all [][]byte
		for range 256 {
			all = append(all, touch(make([]byte, 1<<20)))
		}
		sink = all[0]
		return nil
	}},
	{"memory without Go", "memory", "l", func(scene) error {
		b, err := unix.Mmap(-1, 0, 256<<20, unix.PROT_READ|unix.PROT_WRITE,
			unix.MAP_PRIVATE|unix.MAP_ANON)
		touch(b)
		return err
	}},
	{"CPU in a loop", "CPU time", "l", func(scene) error {
		// The kernel kills who does not end by himself, a second later.
		var cpu unix.Rlimit
		err := unix.Getrlimit(unix.RLIMIT_CPU, &cpu)
		if err != nil || cpu.Cur != unix.RLIM_INFINITY && cpu.Max > cpu.Cur+1 {
			return fmt.Errorf("the limits are %+v, %w", cpu, err)
		}
		var used unix.Rusage
		for used.Utime.Sec*10+used.Utime.Usec/1e5 < 13 { // the limit is one second
			if err := unix.Getrusage(unix.RUSAGE_SELF, &used); err != nil {
				return err
			}
		}
		return nil
	}},
	{"core dump", "core dumps", "l", func(scene) error {
		debug.SetTraceback("crash")
		if err := syscall.Kill(os.Getpid(), syscall.SIGABRT); err != nil {
			return err
		}
		time.Sleep(time.Minute) // it may be another thread that takes it
		return nil
	}},
}

// waiting are for a look from outside.
var waiting = []attempt{
	{"wait", "", "", wait},
	{"grow and wait", "", "", func(s scene) error {
		sink = touch(make([]byte, 128<<20))
		return wait(s)
	}},
}

var sink []byte

// touch has the kernel find a page for each of b.
func touch(b []byte) []byte {
	for i := 0; i < len(b); i += 4096 {
		b[i] = 1
	}
	return b
}

// wait ends when the test closes the standard input.
func wait(scene) error {
	_, err := io.Copy(io.Discard, os.Stdin)
	return err
}
