package h2

import "time"

// dispatch hands the requests of the batch to workers, and sees that what the batch has caused is
// written, by a worker, so that the reader never waits for the client to read. It reports whether the
// connection is over.
func (r *reader) dispatch() (over bool) {
	r.goroutine.check()
	c := r.c
	c.mu.Lock()
	var flush *conn
	if n := len(r.batch); n == 0 {
		c.scheduleFlush()
	} else if !c.out.flushing && !c.out.flushQueued && (n > 1 || len(c.out.buf) > 0 || c.writable()) {
		// Behind the batch, so that the batch's responses are written as one.
		c.out.flushQueued = true
		flush = c
	}
	over = c.ending.stage == failed || c.out.broken != nil
	c.mu.Unlock()
	if len(r.batch) > 0 {
		c.srv.workers.submit(r.batch, flush)
		clear(r.batch)
		r.batch = r.batch[:0]
	}
	return over
}

// run writes the output, as the task that flushQueued tells of. It locks mu.
func (c *conn) run(*worker) {
	c.mu.Lock()
	c.out.flushQueued = false
	c.mu.Unlock()
	c.writeOut()
}

// writeOut writes the output, if nobody does. It locks mu.
func (c *conn) writeOut() {
	c.mu.Lock()
	if !c.out.flushing {
		c.flush(nil)
	}
	c.mu.Unlock()
}

// writable reports whether there is something to write.
func (c *conn) writable() bool {
	return c.out.broken == nil && (len(c.out.buf) > 0 || c.flow.out.n > 0 && c.ready.first(c) != nil)
}

// scheduleFlush sees that the output is written, if there is any, without writing it: by the handler
// whose DATA it would be, which waits anyway, or by a worker.
func (c *conn) scheduleFlush() {
	c.mu.held()
	if c.out.flushing || c.out.flushQueued || !c.writable() {
		return
	}
	if len(c.out.buf) == 0 {
		if st := c.ready.first(c); st.out.blocked {
			st.signal()
			return
		}
	}
	c.out.flushQueued = true
	c.srv.workers.submit(nil, c)
}

// flushNow reports whether a response that has been put into the output is to be written at once: unless
// somebody will, who writes now, or the task that waits behind the batch of requests, but that not for
// long.
func (c *conn) flushNow(now int64) bool {
	if c.out.flushing || c.out.broken != nil {
		return false
	}
	if c.out.flushQueued && len(c.out.buf) < dataSize {
		if c.out.since == 0 {
			c.out.since = now
			return false
		}
		return now-c.out.since >= int64(maxDelay)
	}
	return true
}

// flush writes the output until there is none, or, for the handler of mine, until nothing of mine is left
// in it: then it sees that somebody else goes on. mu is held, but not during writes. Nobody else may be
// flushing.
func (c *conn) flush(mine *stream) {
	c.mu.held()
	c.out.flushing = true
	for c.out.broken == nil {
		c.fillOutput()
		if len(c.out.buf) == 0 {
			break
		}
		buf, pooled := c.out.takeAll()
		renew := c.renewDeadline()
		c.mu.Unlock()
		err := c.write(buf, renew)
		recycle(buf, pooled)
		c.mu.Lock()
		if err != nil {
			c.abort(errGone)
			c.raw.Close() // without TLS's alert, which could not be written either
		}
		if mine != nil && len(mine.out.data) == 0 {
			break
		}
	}
	c.out.flushing = false
	c.scheduleFlush()
	c.closeIfDrained()
}

// renewDeadline reports whether the deadline of writes is to be set anew: not for each, which would cost
// a timer each time, but so that a write has at least limits.byteTimeout.
func (c *conn) renewDeadline() bool {
	if c.lim.byteTimeout < 0 {
		return false
	}
	now := c.now()
	if c.out.deadlineAt != 0 && now-c.out.deadlineAt < int64(c.lim.byteTimeout/4) {
		return false
	}
	c.out.deadlineAt = now
	return true
}

// write writes p. It is called without mu, by the one who flushes.
func (c *conn) write(p []byte, renew bool) error {
	if renew {
		c.nc.SetWriteDeadline(time.Now().Add(c.lim.byteTimeout + c.lim.byteTimeout/4))
	}
	_, err := c.nc.Write(p)
	return err
}

// abort ends the connection at once: nothing more is written, and the reader will close it.
func (c *conn) abort(err error) {
	c.mu.held()
	if c.out.broken != nil {
		return
	}
	c.out.broken = err
	c.out.buf = nil
	for _, st := range c.streams.open {
		c.close(st, err)
	}
	c.out.wakeRoomWaiters()
	c.wakeReader()
}
