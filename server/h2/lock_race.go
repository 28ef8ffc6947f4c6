//go:build race

package h2

import "sync"

// A mutex is a sync.Mutex that can be asked whether it is locked.
type mutex struct{ sync.Mutex }

// held panics if no goroutine holds m. It does not ask which one does, as x/net's
// gotrack would: to find out the number of a goroutine takes so long that a server
// under attack has no time left, and two goroutines that use the same data are the
// race detector's business.
func (m *mutex) held() {
	if m.TryLock() {
		panic("h2: the connection's lock is not held")
	}
}
