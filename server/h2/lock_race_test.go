//go:build race

package h2

import "testing"

// The lock of a connection tells who does not hold it, and what belongs to a goroutine tells who is
// another.
func TestLock(t *testing.T) {
	panics := func(f func()) (did bool) {
		defer func() { did = recover() != nil }()
		f()
		return
	}
	elsewhere := func(f func()) (did bool) {
		done := make(chan bool)
		go func() { done <- panics(f) }()
		return <-done
	}
	var m mutex
	if !panics(m.held) {
		t.Error("a lock that nobody holds is held")
	}
	m.Lock()
	if panics(m.held) || !elsewhere(m.held) || !elsewhere(m.Unlock) {
		t.Error("the lock does not know who holds it")
	}
	m.Unlock()
	var g goroutine
	g.own()
	if panics(g.check) || !elsewhere(g.check) {
		t.Error("a goroutine is taken for another")
	}
}
