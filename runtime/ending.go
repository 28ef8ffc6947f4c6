package runtime

import (
	"slices"
	"sync"
)

// endings are the functions that wait for the end of a request, or of the loading of a program.
type endings struct {
	mu   sync.Mutex
	over bool
	all  []*func() // in the order in which they were given
}

// add has f called at the end, or now if that has come, unless it is stopped before.
func (e *endings) add(f func()) (stop func()) {
	e.mu.Lock()
	over, waits := e.over, &f
	if !over {
		e.all = append(e.all, waits)
	}
	e.mu.Unlock()
	if over {
		f()
	}
	return func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		if i := slices.Index(e.all, waits); i >= 0 {
			e.all = slices.Delete(e.all, i, i+1)
		}
	}
}

// onEnd has f called at the end of the request, or now if that has come.
func (r *run) onEnd(f func()) (stop func()) {
	ends := r.ends.Load()
	if ends == nil {
		ends = new(endings)
		if !r.ends.CompareAndSwap(nil, ends) {
			ends = r.ends.Load()
		}
		if !r.holds.Load() {
			ends.run() // End may have looked for it before
		}
	}
	return ends.add(f)
}

// run calls the functions, the last given first. Only the first run counts.
func (e *endings) run() {
	if e == nil {
		return
	}
	e.mu.Lock()
	all := e.all
	e.over, e.all = true, nil
	e.mu.Unlock()
	for _, f := range slices.Backward(all) {
		(*f)()
	}
}
