package h2

import (
	"sync"
	"testing"
	"testing/synctest"
)

// A taskFunc is a task that is a function.
type taskFunc func()

func (f taskFunc) run(*worker) { f() }

// A task that blocks keeps no other from running, and the workers end with the last connection.
func TestWorkersBlocked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p workers
		p.enter(10)
		block := make(chan bool)
		var ran sync.WaitGroup
		ran.Add(100)
		for range 100 {
			p.mu.Lock()
			p.ready.push(taskFunc(func() { ran.Done(); <-block }))
			p.mu.Unlock()
		}
		p.submit(nil, nil)
		ran.Wait()
		close(block)
		p.leave()
		synctest.Wait()
		if n := len(p.idle); n != 0 {
			t.Errorf("%d workers are left", n)
		}
	})
}

// The queue keeps its order when it grows and when it wraps.
func TestQueue(t *testing.T) {
	var q queue
	pushed, popped := 0, 0
	for round := range 100 {
		for range round {
			q.push(&stream{id: uint32(pushed)})
			pushed++
		}
		for range round / 2 {
			if got := q.pop().(*stream).id; got != uint32(popped) {
				t.Fatalf("popped %d, want %d", got, popped)
			}
			popped++
		}
	}
	for q.n > 0 {
		q.pop()
		popped++
	}
	if popped != pushed || q.pop() != nil {
		t.Errorf("%d were pushed and %d popped", pushed, popped)
	}
}
