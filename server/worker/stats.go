package worker

import (
	"maps"
	"sync"
	"sync/atomic"
	"time"
)

// Stats are what has become of the workers of a [Pool] since it was made, and how they are now.
type Stats struct {
	Generation uint64           // that answers
	Loaded     time.Time        // when that began to
	Failures   uint64           // attempts to load the application again that failed
	Started    uint64           // processes, with those that have not loaded the application
	Recycled   uint64           // workers that others have taken the place of: see [Pool.MaxRequests]
	Deaths     map[Cause]uint64 // of workers, by what they died of
	Workers    []WorkerStats    // that take requests
}

// WorkerStats are those of a process that takes requests.
type WorkerStats struct {
	PID      int
	Started  time.Time
	Served   int64 // requests that it was given, with those that it has in its hands
	Busy     int   // requests that it has in its hands
	Resident int64 // bytes of memory of its own; 0 where that is not known
}

// Stats returns them. It reads a file of the system for each worker: it is for now and then.
func (p *Pool) Stats() Stats {
	s := Stats{Generation: p.Generation(), Started: p.tally.started.Load(),
		Failures: p.tally.failures.Load(), Recycled: p.tally.recycled.Load(), Deaths: p.tally.deaths()}
	current := p.current.Load()
	if current == nil {
		return s
	}
	s.Loaded = current.loaded
	for i := range current.workers {
		w := current.workers[i].Load()
		if w == nil || w.leaving.Load() {
			continue
		}
		busy, _, _ := w.doing()
		s.Workers = append(s.Workers, WorkerStats{PID: w.cmd.Process.Pid, Started: w.began,
			Served: w.served.Load(), Busy: busy, Resident: w.resident()})
	}
	return s
}

// A tally counts what becomes of workers.
type tally struct {
	started, recycled, failures atomic.Uint64

	mu   sync.Mutex
	dead map[Cause]uint64
}

func (t *tally) died(c Cause) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.dead == nil {
		t.dead = make(map[Cause]uint64)
	}
	t.dead[c]++
}

func (t *tally) deaths() map[Cause]uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return maps.Clone(t.dead)
}
