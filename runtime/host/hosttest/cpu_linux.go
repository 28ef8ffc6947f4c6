package hosttest

import (
	"runtime"
	"syscall"
	"time"
)

// CPU runs f on a thread of its own, and returns how long a processor worked for it: what f costs,
// however many others the processor works for. What goroutines of f do is not in it.
func CPU(f func()) time.Duration {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	before := spent()
	f()
	return spent() - before
}

// spent is the processor time of the thread.
func spent() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_THREAD, &u); err != nil {
		panic(err) // getrusage(2): there is no such error for a thread's own
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
