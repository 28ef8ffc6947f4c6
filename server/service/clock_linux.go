package service

import "golang.org/x/sys/unix"

// monotonic is the time of CLOCK_MONOTONIC in nanoseconds.
func monotonic() int64 {
	var t unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &t) // it is there
	return t.Nano()
}
