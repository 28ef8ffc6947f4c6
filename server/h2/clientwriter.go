package h2

import (
	"runtime"
	"slices"
	"sync"
	"time"
)

// clientOutput holds the frames that are to be written to the server. The writer takes
// all of them, and writes them without the lock.
type clientOutput struct {
	frames
	next    uint32   // the first stream of which nothing was taken to be written
	writing bool     // the writer has been woken, and has not found nothing to do since
	broken  bool     // the writer has ended, because it could not write
	owed    int      // frames since then that the server has caused
	waiters []*waker // of those who wait for room, or for the window of the connection
}

// maxOwed is how many frames a server may cause that it does not read: answers to its
// PINGs and SETTINGS, and resets.
const maxOwed = 10_000

// room is how much more may be put into the output. A header may go beyond it.
func (o *clientOutput) room() int { return outputSize - len(o.buf) }

// wakeWaiters wakes all who wait, so that they look again.
func (o *clientOutput) wakeWaiters() {
	for i, w := range o.waiters {
		w.listed = false
		w.wake()
		o.waiters[i] = nil
	}
	o.waiters = o.waiters[:0]
}

// enlist has w woken by wakeWaiters.
func (o *clientOutput) enlist(w *waker) {
	if !w.listed {
		w.listed = true
		o.waiters = append(o.waiters, w)
	}
}

// delist has it woken so no more.
func (o *clientOutput) delist(w *waker) {
	if i := slices.Index(o.waiters, w); i >= 0 {
		o.waiters = slices.Delete(o.waiters, i, i+1)
	}
	w.listed = false
}

// A waker wakes a goroutine that waits for something that c.mu guards. Its L is that lock.
type waker struct {
	sync.Cond
	listed bool // it is one of clientOutput.waiters
}

// wake wakes the goroutine, if there is one. Whoever waits looks again at what it waits
// for, so once too often does no harm.
func (w *waker) wake() { w.Signal() }

// scheduleWrite has the output written.
func (c *ClientConn) scheduleWrite() {
	c.mu.held()
	if !c.out.writing && len(c.out.buf) > 0 {
		c.out.writing = true
		c.writer.wake()
	}
}

// breakOff has nothing written any more, because of err. A server that has gone may have
// answered before, so what there is to read is read first.
func (c *ClientConn) breakOff(err error) {
	c.mu.held()
	c.out.broken = true
	c.nc.SetReadDeadline(time.Now().Add(goodbyeTime))
	c.leave(c.lost(err))
}

// write writes the output until the connection ends, as a goroutine.
func (c *ClientConn) write() {
	defer close(c.written)
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		for len(c.out.buf) == 0 {
			c.out.writing = false
			if c.err != nil {
				c.nc.Close() // which ends the reader
				return
			}
			c.writer.Wait()
		}
		// Others who are about to make a request do so first, so that one write has
		// them all.
		c.mu.Unlock()
		runtime.Gosched()
		c.mu.Lock()
		buf, pooled := c.out.take()
		before := c.out.next
		c.out.next = c.nextID
		c.out.owed = 0
		c.out.wakeWaiters()
		c.mu.Unlock()
		n, err := c.nc.Write(buf)
		recycle(buf, pooled)
		c.mu.Lock()
		if err != nil {
			if n == 0 {
				c.out.next = before
			}
			c.breakOff(err)
			return
		}
	}
}
