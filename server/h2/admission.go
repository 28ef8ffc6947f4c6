package h2

import "slices"

// admission limits the handlers of a connection to limits.streams. Handlers of
// reset streams count, so a client gets no more of them by resetting streams, as
// Rapid Reset does (CVE-2023-44487), which never has too many streams open.
// Requests beyond the limit wait in queued. The limit for all connections is in
// workers. conn.mu guards it.
type admission struct {
	running int       // handlers that run or are queued with the workers
	queued  []*stream // requests without one, in order; some may be closed
}

// begin opens st, whose request is complete but for its body, and queues its
// handler. The reader calls it, without mu.
func (r *reader) begin(st *stream) {
	c := r.c
	c.mu.Lock()
	defer c.mu.Unlock()
	st.flow.out.n = c.client.window
	st.flow.in.init(c.lim.streamWindow)
	if st.turn.explicit {
		c.client.priorities = true
	} else if !c.client.priorities {
		// RFC 9218, section 4.2, has responses that are not incremental by
		// default. That is for clients that use the scheme; others get their
		// responses side by side.
		st.turn.incremental = true
	}
	c.open(st)
	c.countHeader(st.req.cost)
	c.setDeadlines(st)
	if c.admission.running < c.lim.streams {
		c.admission.running++
		r.batch = append(r.batch, st)
		return
	}
	if len(c.admission.queued) > 2*c.lim.streams {
		// Only limits.streams of them can be open. Removing the others here, and
		// not when they are reset, makes a reset cheap.
		closed := func(st *stream) bool { return st.state.closed }
		c.admission.queued = slices.DeleteFunc(c.admission.queued, closed)
	}
	c.admission.queued = append(c.admission.queued, st)
}

// handlerEnded frees the place of a handler, and gives it to the next queued
// request. It is called once for each request that had one.
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
