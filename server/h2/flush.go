package h2

import (
	"math"
	"sync"
	"time"

	"golang.org/x/net/http2"
)

const (
	// outputSize is how much output is gathered before it must be written: four TLS records.
	outputSize = 64 << 10
	// dataSize is the most payload that a DATA frame has, so that a frame is a TLS record.
	dataSize = 16<<10 - frameHeaderLen
	// A finished response waits for others of its batch until there is a record's worth, or for
	// patience.
	patience = 200 * time.Microsecond
)

// An output is what is to be written to the client: frames are appended to it under the connection's
// lock, and whoever finds that nobody writes it, writes it all, without the lock. So what is finished
// during a write goes out with the next, in one TLS record if it fits.
type output struct {
	out         []byte
	pooled      *[]byte
	since       int64     // when the first response came into out; 0: none is there
	flushing    bool      // somebody writes
	flushQueued bool      // a task that will write is queued
	room        []*stream // handlers that wait for out to be written
	broken      error     // why nothing can be written any more
	deadlineAt  int64     // when the deadline of writes was set
}

var outputs = sync.Pool{New: func() any { b := make([]byte, 0, outputSize); return &b }}

// outBuffer is out, to be appended to.
func (c *conn) outBuffer() []byte {
	if c.out == nil {
		c.pooled = outputs.Get().(*[]byte)
		c.out = (*c.pooled)[:0]
	}
	return c.out
}

// dispatch hands the requests of a batch to workers, and sees that what the batch has caused is
// written, by a worker, so that the reader never waits for the client to read. It returns whether the
// connection is over.
func (c *conn) dispatch() (over bool) {
	c.mu.Lock()
	var flush *conn
	if n := len(c.batch); n == 0 {
		c.kick()
	} else if !c.flushing && !c.flushQueued && (n > 1 || len(c.out) > 0 || c.writable()) {
		// Behind the batch, so that the batch's responses are written as one.
		c.flushQueued = true
		flush = c
	}
	over = c.stage == doomed || c.broken != nil
	c.mu.Unlock()
	if len(c.batch) > 0 {
		c.srv.workers.submit(c.batch, flush)
		clear(c.batch)
		c.batch = c.batch[:0]
	}
	return over
}

// run writes the output, as a task.
func (c *conn) run(*worker) {
	c.mu.Lock()
	c.flushQueued = false
	c.mu.Unlock()
	c.writeOut()
}

// writeOut writes the output, if nobody does.
func (c *conn) writeOut() {
	c.mu.Lock()
	if !c.flushing {
		c.flush(nil)
	}
	c.mu.Unlock()
}

// writable says if there is something to write.
func (c *conn) writable() bool {
	return c.broken == nil && (len(c.out) > 0 || c.window > 0 && c.ready.first(c) != nil)
}

// kick sees that the output is written, if there is any, without writing it.
func (c *conn) kick() {
	if c.flushing || c.flushQueued || !c.writable() {
		return
	}
	if len(c.out) == 0 {
		if st := c.ready.first(c); st.waiting {
			st.signal() // its handler will flush
			return
		}
	}
	c.flushQueued = true
	c.srv.workers.submit(nil, c)
}

// responded says, when a response has been put into the output, if it is to be written at once: unless
// somebody will, who writes now, or the task that waits behind the batch of requests, but that not for
// long.
func (c *conn) responded(now int64) (flush bool) {
	if c.flushing || c.broken != nil {
		return false
	}
	if c.flushQueued && len(c.out) < dataSize {
		if c.since == 0 {
			c.since = now
			return false
		}
		return now-c.since >= int64(patience)
	}
	return true
}

// flush writes the output until there is none, or, for the handler of mine, until nothing of mine is
// left in it. mu is held, but not during writes, and nobody else may be flushing.
func (c *conn) flush(mine *stream) {
	c.flushing = true
	for c.broken == nil {
		c.fillOutput()
		if len(c.out) == 0 {
			break
		}
		buf, pooled := c.out, c.pooled
		c.out, c.pooled, c.since = nil, nil, 0
		for _, st := range c.room {
			st.signal()
		}
		c.room = c.room[:0]
		renew := c.renewDeadline()
		c.mu.Unlock()
		err := c.write(buf, renew)
		if cap(buf) <= 2*outputSize {
			*pooled = buf[:0]
			outputs.Put(pooled)
		}
		c.mu.Lock()
		if err != nil {
			c.fail(errGone)
			c.raw.Close() // without a word of TLS's, which could not be written either
		}
		if mine != nil && len(mine.pending) == 0 {
			break
		}
	}
	c.flushing = false
	c.kick()
	c.drained()
}

// renewDeadline says if the deadline of writes is to be set anew: not for each, but so that a write has
// at least the byteTimeout.
func (c *conn) renewDeadline() bool {
	if c.lim.byteTimeout < 0 {
		return false
	}
	now := c.now()
	if c.deadlineAt != 0 && now-c.deadlineAt < int64(c.lim.byteTimeout/4) {
		return false
	}
	c.deadlineAt = now
	return true
}

func (c *conn) write(p []byte, renew bool) error {
	if renew {
		c.nc.SetWriteDeadline(time.Now().Add(c.lim.byteTimeout + c.lim.byteTimeout/4))
	}
	_, err := c.nc.Write(p)
	return err
}

// fail ends the connection at once: the reader will close it. mu is held.
func (c *conn) fail(err error) {
	if c.broken != nil {
		return
	}
	c.broken = err
	c.out = nil
	for _, st := range c.streams {
		c.close(st, err)
	}
	for _, st := range c.room {
		st.signal()
	}
	c.nudge()
}

// fillOutput moves DATA into the output, of the streams whose turn it is.
func (c *conn) fillOutput() {
	for c.window > 0 && len(c.out) < outputSize {
		st := c.ready.next(c)
		if st == nil {
			return
		}
		if !c.emit(st, 1) {
			return
		}
		c.ready.sent(st)
	}
}

// emit moves DATA of st into the output, at most n frames, as far as the windows and the output's
// room allow. It says if it moved any.
func (c *conn) emit(st *stream, n int) bool {
	moved := false
	for ; n > 0 && len(st.pending) > 0; n-- {
		m := min(len(st.pending), int(st.window), int(c.window), c.peerFrameSize, dataSize)
		if room := outputSize - frameHeaderLen - len(c.out); m > room {
			if room < dataSize/4 {
				break
			}
			m = room
		}
		if m <= 0 {
			break
		}
		moved = true
		var flags http2.Flags
		last := m == len(st.pending)
		if last && st.pendingEnd {
			flags = flagEndStream
		}
		c.out = appendFrame(c.outBuffer(), http2.FrameData, flags, st.id, m)
		c.out = append(c.out, st.pending[:m]...)
		st.pending = st.pending[m:]
		st.window -= int32(m)
		c.window -= int32(m)
		c.earn(earnData)
		c.earnBytes(m)
		st.stallBy = 0
		if st.promises > 0 {
			st.lastSent = c.now()
		}
		if last {
			c.ready.remove(st)
			st.pending = nil
			if st.pendingEnd {
				c.endLocal(st)
			}
			st.signal()
		} else if st.window <= 0 {
			c.ready.remove(st)
		}
	}
	return moved
}

// transmit sends p, and with end ends the response. It returns when all of p is in the output; p is
// not used after that. mu is held, but not while it waits.
func (c *conn) transmit(st *stream, p []byte, end bool) error {
	if st.dead {
		return st.err
	}
	st.pending, st.pendingEnd = p, end
	if c.ready.n == 0 && !c.ready.gives(c, st) {
		c.emit(st, math.MaxInt)
	}
	if len(st.pending) == 0 {
		return nil
	}
	c.ready.push(st)
	for len(st.pending) > 0 && !st.dead {
		if !c.flushing && c.writable() {
			c.flush(st)
		} else {
			if st.stallBy == 0 && min(st.window, c.window) <= 0 && c.lim.stallTimeout > 0 {
				st.stallBy = c.now() + int64(c.lim.stallTimeout)
				c.arm(st.stallBy)
			}
			c.srv.workers.giveUp(st)
			st.wait()
		}
	}
	if st.dead && st.err != errEnded {
		c.kick() // it may have been called upon to flush
		return st.err
	}
	return nil
}

// reserve waits until the output has room for a header; mu is held, but not while it waits.
func (c *conn) reserve(st *stream) error {
	for !st.dead && len(c.out) >= outputSize {
		if !c.flushing {
			c.flush(st)
		} else {
			c.room = append(c.room, st)
			c.srv.workers.giveUp(st)
			st.wait()
		}
	}
	if st.dead {
		return st.err
	}
	return nil
}

// endLocal ends the server's side of st, whose END_STREAM is in the output.
func (c *conn) endLocal(st *stream) {
	st.localDone = true
	if st.remoteDone {
		c.close(st, nil)
		return
	}
	// RFC 9113, section 8.1: the rest of the request is not wanted.
	c.out = appendFrame(c.outBuffer(), http2.FrameRSTStream, 0, st.id, 4)
	c.out = append(c.out, 0, 0, 0, byte(http2.ErrCodeNo))
	c.close(st, nil)
	c.closed.add(st.id, ResetError{})
}
