package h2

import (
	"runtime"
	"sync"
)

// maxIdleWorkers is how many goroutines wait for work with the stacks that they
// grew.
const maxIdleWorkers = 512

// A task is a request whose handler is to run, or a connection whose output is to
// be written.
type task interface{ run(*worker) }

// A worker is a goroutine that runs tasks one after another, and what it keeps from
// one to the next. Its fields belong to that goroutine, but for wake.
type worker struct {
	wake    chan bool // false: end. It has room for one, so that nobody waits to send it
	scratch scratch
	st      *stream // its handler has run, and its slot may not yet be given back
	flush   *conn   // its response is to be written
}

// workers run tasks in order on goroutines that are reused, so that the stack that
// a handler and a TLS record need is grown once. A task never waits for another
// that blocks: while there are tasks, one worker is about to take one (searching),
// and wakes the next when it does. So a batch of handlers that do not block is run
// by one worker, without a switch of goroutines for each, and if one does block,
// the next worker goes on.
//
// A request has one of max slots while its handler runs. It gives the slot back,
// for good, when the handler has returned, sends to its client, waits for it, or
// learns that it has gone. So slow clients and event streams do not keep the handlers
// of others from running.
//
// The zero value is ready. mu guards all fields. No other lock is taken while it is
// held.
type workers struct {
	mu        sync.Mutex
	ready     queue // tasks to run; each request in it has a slot
	overLimit queue // requests that have none
	idle      []*worker
	searching int // workers that were woken and have not yet taken a task
	handlers  int // requests that have a slot: in ready or running
	max       int
	conns     int // connections; without any no worker stays
}

// enter counts a new connection. max is MaxHandlers of the Server.
func (p *workers) enter(max int) {
	p.mu.Lock()
	p.max = max
	p.conns++
	p.mu.Unlock()
}

// leave counts the end of a connection. With the last one all workers end that have
// nothing to do.
func (p *workers) leave() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.conns--
	if p.conns == 0 {
		for _, w := range p.idle {
			w.wake <- false
		}
		p.idle = nil
	}
}

// submit queues requests, and then flush if it is not nil.
func (p *workers) submit(requests []*stream, flush *conn) {
	p.mu.Lock()
	for _, st := range requests {
		if p.handlers < p.max {
			p.handlers++
			st.slot = true
			p.ready.push(st)
		} else {
			p.overLimit.push(st)
		}
	}
	if flush != nil {
		p.ready.push(flush)
	}
	if p.ready.n > 0 && p.searching == 0 {
		p.wake()
	}
	p.mu.Unlock()
}

// wake has a worker take a task: the one that became idle last, or a new one. mu is
// held.
func (p *workers) wake() {
	p.searching++
	if n := len(p.idle); n > 0 {
		w := p.idle[n-1]
		p.idle[n-1] = nil
		p.idle = p.idle[:n-1]
		w.wake <- true
		return
	}
	go p.work(&worker{wake: make(chan bool, 1)})
}

// work is the loop of a worker.
func (p *workers) work(w *worker) {
	// runtime.Goexit in a handler ends the worker.
	defer func() {
		if w.st != nil {
			p.releaseSlot(w.st)
		}
	}()
	for t := p.take(w); t != nil; t = p.next(w) {
		t.run(w)
		if c := w.flush; c != nil {
			// A client that does not read holds up no handler's slot.
			w.flush = nil
			if p.releaseSlot(w.st) && c.queueFlush() {
				// Others are about to have their responses, as when a backend has answered many
				// requests at once: all of them go out in one write.
				runtime.Gosched()
			}
			c.run(w)
		}
	}
}

// releaseSlot gives st's slot to a request that waits, if st still has it: when its
// handler has ended, or is about to do what may take long: to send to its client,
// or to wait for it.
// It reports whether other handlers run.
func (p *workers) releaseSlot(st *stream) (others bool) {
	p.mu.Lock()
	p.release(st)
	if p.ready.n > 0 && p.searching == 0 {
		p.wake()
	}
	others = p.handlers > 0
	p.mu.Unlock()
	return others
}

// take is the first task of a worker that was woken.
func (p *workers) take(w *worker) task {
	p.mu.Lock()
	p.searching--
	return p.taken(w)
}

// next is the next task of a worker that has run one.
func (p *workers) next(w *worker) task {
	p.mu.Lock()
	if w.st != nil {
		p.release(w.st)
		w.st = nil
	}
	return p.taken(w)
}

// taken waits for a task. It is called with mu held, and returns without it; it
// returns nil when the worker is not needed.
func (p *workers) taken(w *worker) task {
	for {
		if t := p.ready.pop(); t != nil {
			if p.ready.n > 0 && p.searching == 0 {
				p.wake()
			}
			p.mu.Unlock()
			return t
		}
		if p.conns == 0 || len(p.idle) >= maxIdleWorkers {
			p.mu.Unlock()
			return nil
		}
		p.idle = append(p.idle, w)
		p.mu.Unlock()
		if !<-w.wake {
			return nil
		}
		p.mu.Lock()
		p.searching--
	}
}

// release is releaseSlot for those who hold mu, and take a task next. The slot goes
// to the request that has waited longest, if one has.
func (p *workers) release(st *stream) {
	if !st.slot {
		return // it was given back when the handler had to wait
	}
	st.slot = false
	if next, ok := p.overLimit.pop().(*stream); ok {
		next.slot = true
		p.ready.push(next)
		return
	}
	p.handlers--
}

// A queue is a ring of tasks. It grows, and does not shrink.
type queue struct {
	ring  []task // its length is a power of two
	first int
	n     int
}

// push puts t behind all others.
func (q *queue) push(t task) {
	if q.n == len(q.ring) {
		ring := make([]task, max(16, 2*q.n))
		for i := range q.n {
			ring[i] = q.ring[(q.first+i)&(q.n-1)]
		}
		q.ring, q.first = ring, 0
	}
	q.ring[(q.first+q.n)&(len(q.ring)-1)] = t
	q.n++
}

// pop takes the first task; nil if there is none.
func (q *queue) pop() task {
	if q.n == 0 {
		return nil
	}
	t := q.ring[q.first]
	q.ring[q.first] = nil
	q.first = (q.first + 1) & (len(q.ring) - 1)
	q.n--
	return t
}
