package h2

import (
	"errors"
	"os"
	"time"
)

// dispatch hands the requests of the batch to the workers, and has a worker write
// what the frames have caused, since the reader must not wait for the client to
// read. It reports whether the connection is over.
func (r *reader) dispatch() (over bool) {
	c := r.c
	c.mu.Lock()
	var flush *conn
	switch n := len(r.batch); {
	case n == 0:
		c.scheduleFlush() // acknowledgements and the like
	case !c.out.flushing && !c.out.flushQueued && (n > 1 || c.writable()):
		// The task comes behind the requests, so that their responses are written
		// as one. A single request with nothing else to write needs no task: the
		// worker that has run its handler writes.
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

// queueFlush sets flushQueued for a caller that will call run, as the task does that dispatch
// queues, and reports whether it was not set. It locks mu.
func (c *conn) queueFlush() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	queued := c.out.flushQueued
	c.out.flushQueued = true
	return !queued
}

// run is the task that flushQueued is set for: it writes the output. It locks mu.
func (c *conn) run(*worker) {
	c.mu.Lock()
	c.out.flushQueued = false
	c.mu.Unlock()
	c.writeOut()
}

// writeOut writes the output, unless another goroutine is writing. It locks mu.
func (c *conn) writeOut() {
	c.mu.Lock()
	if !c.out.flushing {
		c.flush(nil)
	}
	c.mu.Unlock()
}

// writable reports whether there is something to write.
func (c *conn) writable() bool {
	if c.out.broken != nil {
		return false
	}
	return len(c.out.buf) > 0 || c.flow.out.n > 0 && c.ready.first(c) != nil
}

// scheduleFlush has the output written, if there is any, by another goroutine. That
// is the one whose DATA comes next, if it waits, or else a worker. Every change
// that may have made something writable is followed by a call of it, or by a flush.
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

// flushNow reports whether a response that has just been put into the output is to
// be written at once. It is not if another goroutine is writing, nor, for maxDelay,
// if somebody will who comes behind the other requests of its batch.
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

// flush writes the output until it is empty. With mine, it returns as soon as none
// of that stream's DATA is left to send, and leaves the rest to another goroutine.
// mu is held, but released during writes. No other goroutine may be flushing.
func (c *conn) flush(mine *stream) {
	c.mu.held()
	c.out.flushing = true
	for c.out.broken == nil {
		c.fillOutput()
		if len(c.out.buf) == 0 {
			break
		}
		if mine != nil {
			// Nobody knows how long the client takes. A handler that writes to it does
			// not keep others from running.
			c.srv.workers.releaseSlot(mine)
		}
		buf, pooled := c.out.takeAll()
		c.mu.Unlock()
		err := c.write(buf)
		recycle(buf, pooled)
		c.mu.Lock()
		if err != nil {
			c.abort(errGone)
			c.raw.Close() // TLS's close_notify could not be written either
		}
		if mine != nil && len(mine.out.data) == 0 {
			break // a handler does not write for others longer than it has to
		}
	}
	c.out.flushing = false
	c.scheduleFlush()
	c.closeIfDrained()
}

// The pieces of the output that are written at once over TLS, which cannot go on after
// a deadline: a record, and what a client that is slow must take in
// limits.byteTimeout.
const (
	tlsPiece  = 16 << 10
	slowPiece = 1 << 10
)

// write writes p. The client must take some of it in each limits.byteTimeout. flush
// calls it without mu.
func (c *conn) write(p []byte) error {
	if c.lim.byteTimeout < 0 {
		_, err := c.nc.Write(p)
		return err
	}
	start := c.now()
	for now := start; len(p) > 0; now = c.now() {
		piece := len(p)
		switch {
		case c.tls == nil:
		case c.out.slow || now-start > int64(c.lim.byteTimeout/8):
			piece = min(piece, slowPiece)
		default:
			piece = min(piece, tlsPiece)
		}
		c.renewDeadline(now)
		n, err := c.nc.Write(p[:piece])
		p = p[n:]
		if err != nil && (c.tls != nil || n == 0 || !errors.Is(err, os.ErrDeadlineExceeded)) {
			return err
		}
	}
	c.out.slow = c.now()-start > int64(c.lim.byteTimeout/8)
	return nil
}

// renewDeadline sets the write deadline, if it has to be set again. Setting it for each
// write would cost a timer each time. So it is set to a quarter more than
// limits.byteTimeout, and kept for the writes of that quarter.
func (c *conn) renewDeadline(now int64) {
	if c.out.deadlineAt == 0 || now-c.out.deadlineAt >= int64(c.lim.byteTimeout/4) {
		c.out.deadlineAt = now
		c.nc.SetWriteDeadline(time.Now().Add(c.lim.byteTimeout + c.lim.byteTimeout/4))
	}
}

// abort ends the connection at once. Nothing more is written, all streams are
// closed with err, and the reader is woken, which closes the connection. It may be
// called again, which does nothing.
func (c *conn) abort(err error) {
	c.mu.held()
	if c.out.broken != nil {
		return
	}
	c.out.broken = err
	c.out.buf = nil
	c.loseAll(err)
	c.out.wakeRoomWaiters()
	c.wakeReader()
}
