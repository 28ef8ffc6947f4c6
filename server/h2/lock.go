//go:build !race

package h2

import "sync"

// A mutex guards what a conn shares. In a build with the race detector, held panics
// if the mutex is not locked (lock_race.go), so that the tests check what the comments
// say about it. In other builds it is a sync.Mutex, and held does nothing.
type mutex struct{ sync.Mutex }

func (*mutex) held() {}
