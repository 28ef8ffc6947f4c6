//go:build !linux

package service

// monotonic is 0: there is no systemd to which it would mean something.
func monotonic() int64 { return 0 }
