package worker

// Pids are the processes that take requests.
func (p *Pool) Pids() (pids []int) {
	for i := range p.current.Load().workers {
		if w := p.current.Load().workers[i].Load(); w != nil && !w.leaving.Load() {
			pids = append(pids, w.cmd.Process.Pid)
		}
	}
	return pids
}

// Busy are those that have a request in their hands.
func (p *Pool) Busy() (pids []int) {
	for i := range p.current.Load().workers {
		w := p.current.Load().workers[i].Load()
		if n, _, _ := w.doing(); n > 0 {
			pids = append(pids, w.cmd.Process.Pid)
		}
	}
	return pids
}

// Over returns a function that reports whether the workers that answer now have been told to end.
func (p *Pool) Over() func() bool {
	s := p.current.Load()
	return func() bool {
		select {
		case <-s.over:
			return true
		default:
			return false
		}
	}
}

// Resident is the size of the first worker.
func (p *Pool) Resident() int64 { return p.current.Load().workers[0].Load().resident() }
