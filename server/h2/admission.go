package h2

import "slices"

// An admission is how many handlers run for a client, so that resetting streams brings it no more of
// them: Rapid Reset opens and resets without ever having too many streams open (CVE-2023-44487). A
// request beyond limits.streams waits here, in a stream that counts for that as well. How many run for
// all clients together is the workers' affair. conn.mu guards it.
type admission struct {
	running int       // requests whose handlers run or are with the workers, those of closed streams too
	queued  []*stream // requests above that, in their order; some may be closed
}

// begin opens st, whose request is complete but for its body, and queues its handler. The reader calls
// it, without mu.
func (r *reader) begin(st *stream) {
	c := r.c
	c.mu.Lock()
	defer c.mu.Unlock()
	st.flow.out.n = c.client.window
	st.flow.in.init(c.lim.streamWindow)
	if st.turn.explicit {
		c.client.priorities = true
	} else if !c.client.priorities {
		// RFC 9218, section 4.2: without a word of it, responses are not incremental. That is for those
		// who know the word: to others it would be unfair.
		st.turn.incremental = true
	}
	c.open(st)
	c.setDeadlines(st)
	if c.admission.running < c.lim.streams {
		c.admission.running++
		r.batch = append(r.batch, st)
		return
	}
	if len(c.admission.queued) > 2*c.lim.streams {
		c.admission.queued = slices.DeleteFunc(c.admission.queued, func(st *stream) bool { return st.state.closed })
	}
	c.admission.queued = append(c.admission.queued, st)
}

// handlerEnded lets the next request that is queued have a handler.
func (c *conn) handlerEnded() {
	c.mu.held()
	a := &c.admission
	a.running--
	for len(a.queued) > 0 && a.running < c.lim.streams {
		st := a.queued[0]
		a.queued[0] = nil
		a.queued = a.queued[1:]
		if !st.state.closed {
			a.running++
			c.srv.workers.submit([]*stream{st}, nil)
		}
	}
	if len(a.queued) == 0 {
		a.queued = nil
	}
}
