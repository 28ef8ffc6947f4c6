package runtime

import (
	"container/list"
	"math"
	goruntime "runtime"
	"runtime/metrics"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// lasting is how long a call runs until it is one that lasts.
	lasting = 5 * time.Millisecond
	// slice is how long one of those runs before another one has its turn, if any waits.
	slice = 50 * time.Millisecond
	// lost is how long one may be in a step until another one runs, too.
	lost = 2 * time.Second
)

// Turns have no more calls run at once that last than there are processors: Go shares those out in parts
// of 10 ms, and what is short would wait for as many of them as there are others in endless loops.
// The others wait, which counts as their time, and come to their turn one after the other. All
// programs share one.
//
// A call that waits in a function of Go, without saying so, seems to run. So turns are kept only while
// the processors are busy.
type turns struct {
	mu      sync.Mutex
	taken   int
	waiting list.List // of *call
	samples []metrics.Sample
}

// processors are those of this process.
var processors turns

// A turn is what a call has of the turns.
type turn struct {
	ran   time.Duration // up to the last look at the limits, without its waits
	since time.Duration // since epoch: when it came
	seen  atomic.Int64  // since epoch: the last look with it; 0 without. For the patrol

	has  bool          // guarded by the turns
	come chan struct{} // closed when it comes
}

// most is how many calls have their turn at once.
func most() int { return goruntime.GOMAXPROCS(0) }

// share has a call wait that has run for long, unless it has its turn.
func (c *call) share(now time.Duration) {
	t := &c.turn
	if t.seen.Load() != 0 {
		t.seen.Store(int64(now))
		if now-t.since < slice || !processors.wanted() {
			return
		}
		processors.give(c)
	}
	if !processors.take(c) && !c.queue() {
		return
	}
	now = time.Since(epoch)
	c.pace.looked, t.since = now, now
	t.seen.Store(int64(now))
}

// queue waits for the turn of the call, and reports whether it has come before the call was over.
func (c *call) queue() bool {
	c.Idle(true)
	defer c.Idle(false)
	select {
	case <-c.turn.come:
		return true
	case <-c.ctx.Done():
		processors.give(c)
		return false
	}
}

// wanted reports whether any call waits for its turn.
func (q *turns) wanted() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.waiting.Len() > 0
}

// take takes a turn for a call that has none, and reports whether it has one now. If not, it waits.
func (q *turns) take(c *call) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	c.turn.come = make(chan struct{})
	q.waiting.PushBack(c)
	q.next()
	for n := 0; n < 2 && q.waiting.Len() > 0 && !q.busy(); n++ { // two, so that the others get fewer
		q.admit()
	}
	return c.turn.has
}

// ease has one more have its turn if that takes the processor from nobody. It is for the patrol.
func (q *turns) ease() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.waiting.Len() > 0 && !q.busy() {
		q.admit()
	}
}

// busy reports whether no processor would be free if the goroutine that asks went on for long. q.mu
// is held.
func (q *turns) busy() bool {
	if q.samples == nil {
		q.samples = []metrics.Sample{{Name: "/sched/goroutines/running:goroutines"},
			{Name: "/sched/goroutines/runnable:goroutines"}}
	}
	metrics.Read(q.samples)
	n := 0
	for _, s := range q.samples {
		if s.Value.Kind() == metrics.KindUint64 {
			n += int(s.Value.Uint64())
		}
	}
	return n > most()
}

// give takes the turn of a call away, or its place among those that wait.
func (q *turns) give(c *call) {
	q.mu.Lock()
	defer q.mu.Unlock()
	c.turn.seen.Store(0)
	if c.turn.has {
		c.turn.has = false
		q.taken--
		q.next()
		return
	}
	for e := q.waiting.Front(); e != nil; e = e.Next() {
		if e.Value == c {
			q.waiting.Remove(e)
			return
		}
	}
}

// next gives turns to those that wait. q.mu is held.
func (q *turns) next() {
	for q.waiting.Len() > 0 && q.taken < most() {
		q.admit()
	}
}

// admit gives a turn to one of the program whose calls are the shortest, of them to that which has
// waited longest. q.mu is held, and one waits.
func (q *turns) admit() {
	first, least := q.waiting.Front(), time.Duration(math.MaxInt64)
	for e := first; e != nil; e = e.Next() {
		if n := e.Value.(*call).run.program.custom.last(); n < least {
			first, least = e, n
		}
	}
	c := q.waiting.Remove(first).(*call)
	c.turn.has = true
	q.taken++
	close(c.turn.come)
}

// rest gives the turn of a call back that waits for something else, or has ended.
func (c *call) rest() {
	if c.turn.seen.Load() != 0 {
		processors.give(c)
	}
}

// expire takes the turn of a call away that has been in a step for long. It may never come back.
func (c *call) expire(now time.Duration) {
	if seen := c.turn.seen.Load(); seen != 0 && now-time.Duration(seen) > lost {
		processors.give(c)
	}
}

// A custom is how long the calls of a program run, as a rule. Before it is known, and if that is
// long, a call waits for its turn before it begins.
type custom struct{ mean atomic.Int64 } // nanoseconds; 0 if it is not known

// longest is what a call counts for that runs longer: one may have waited for a processor.
const longest = 4 * lasting

func (u *custom) last() time.Duration {
	if n := u.mean.Load(); n > 0 {
		return time.Duration(n)
	}
	return lasting
}

// note notes that a call has ended. Two at once may count as one.
func (u *custom) note(ran time.Duration) {
	n := int64(min(max(ran, 1), longest))
	if mean := u.mean.Load(); mean > 0 {
		n = mean + (n-mean)/16
	}
	u.mean.Store(n)
}
