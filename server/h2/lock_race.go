//go:build race

package h2

import (
	"bytes"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
)

// A mutex is a sync.Mutex that knows which goroutine holds it.
type mutex struct {
	mu     sync.Mutex
	holder atomic.Uint64 // 0: nobody
}

func (m *mutex) Lock() {
	m.mu.Lock()
	m.holder.Store(goroutineID())
}

func (m *mutex) Unlock() {
	m.held()
	m.holder.Store(0)
	m.mu.Unlock()
}

// held panics unless the goroutine that calls it holds m.
func (m *mutex) held() {
	if m.holder.Load() != goroutineID() {
		panic("h2: the connection's lock is not held")
	}
}

// A goroutine is the one that something belongs to.
type goroutine struct{ id uint64 }

// own makes it the goroutine that calls it.
func (g *goroutine) own() { g.id = goroutineID() }

// check panics in any other goroutine.
func (g *goroutine) check() {
	if g.id != goroutineID() {
		panic("h2: this belongs to another goroutine")
	}
}

// goroutineID reads the number of a goroutine where its stack is printed, as
// x/net's gotrack does: there is no other way to it, which is why only tests ask.
func goroutineID() uint64 {
	var buf [64]byte
	s := bytes.TrimPrefix(buf[:runtime.Stack(buf[:], false)], []byte("goroutine "))
	digits, _, _ := bytes.Cut(s, []byte(" "))
	id, err := strconv.ParseUint(string(digits), 10, 64)
	if err != nil {
		panic(err)
	}
	return id
}
