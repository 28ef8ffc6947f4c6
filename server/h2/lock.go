//go:build !race

package h2

import "sync"

// A mutex guards what a conn shares. Built with the race detector it knows which
// goroutine holds it, and held panics in any other (lock_race.go): so the tests
// prove what the comments say about who holds it. Built without, it is a sync.Mutex
// and held is nothing.
type mutex struct{ sync.Mutex }

func (*mutex) held() {}

// A goroutine is the one that something belongs to. What is said of mutex holds for
// it: only with the race detector does it know which that is, and check panics in
// any other.
type goroutine struct{}

func (*goroutine) own()   {}
func (*goroutine) check() {}
