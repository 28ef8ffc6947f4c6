//go:build !linux

package hosttest

import "time"

// CPU runs f and returns how long that took, where the system does not say how long a processor
// worked for it.
func CPU(f func()) time.Duration {
	began := time.Now()
	f()
	return time.Since(began)
}
