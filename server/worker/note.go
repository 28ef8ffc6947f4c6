package worker

import "time"

// noteTime is how long the front waits for what a worker says of a request that has ended: it has said
// it before.
const noteTime = time.Second

// noted hands on what the worker says of a request that it has in its hands.
func (w *process) noted(m *message) {
	if w.pool.Noted == nil {
		return
	}
	if m.Request == "" {
		w.pool.Noted(nil, m.Note)
		return
	}
	w.mu.Lock()
	var about *flight
	for f := range w.hands {
		if f.id == m.Request && f.noted != nil {
			about = f
		}
	}
	w.mu.Unlock()
	if about == nil {
		return
	}
	w.pool.Noted(about.request, m.Note)
	select {
	case about.noted <- struct{}{}:
	default:
	}
}

// hear waits until what the worker says of a request that it has answered has been handed on, if there is
// anybody to hand it to.
func (f *flight) hear() {
	if f.noted == nil || !f.answered.Load() {
		return
	}
	timer := time.NewTimer(noteTime)
	defer timer.Stop()
	select {
	case <-f.noted:
	case <-f.worker.heard: // no more comes: it has died
	case <-timer.C:
	}
}
