package h2

import (
	"crypto/rand"
	"math"
	"sync/atomic"
	"time"

	"golang.org/x/net/http2"
)

// A clock ends what takes too long. A connection has one timer for all: it is set
// to the earliest of the times below and of all streams' deadlines, or earlier;
// when it fires, tick looks at all of them and sets it anew. So what is renewed
// with each request (a deadline, being idle) costs no timer.
//
// conn.mu guards it, but for heard, which the reader sets without.
type clock struct {
	timer *time.Timer  // calls tick
	armed int64        // when it does; 0: never
	heard atomic.Int64 // when the client last sent something

	headerBy   int64 // when the preface or header must be there that is being read; 0: none is
	settingsBy int64 // when the client must have acknowledged SETTINGS
	idleFrom   int64 // since when there are no streams
	pingBy     int64 // when the client must have answered the PING; 0: none is under way
	pinged     int64 // when that was sent
	stallBy    int64 // when the client must have opened the connection's window; 0: nothing waits
}

// startClock sets what holds for a new connection: its preface, and the
// acknowledgement of the server's, are waited for.
func (c *conn) startClock() {
	now := c.now()
	c.clock.heard.Store(now)
	c.budget.since = now
	c.clock.idleFrom = now
	c.clock.headerBy = after(now, c.lim.headerTimeout)
	c.clock.settingsBy = after(now, c.lim.settingsTimeout)
	idleBy, pingAt := after(now, c.lim.idleTimeout), after(now, c.lim.pingAfter)
	c.arm(min(c.clock.headerBy, c.clock.settingsBy, idleBy, pingAt))
}

// stopClock stops the timer for good.
func (c *conn) stopClock() {
	if c.clock.timer != nil {
		c.clock.timer.Stop()
		c.clock.armed = math.MinInt64
	}
}

// after is the time d after now; never, if d is negative.
func after(now int64, d time.Duration) int64 {
	if d < 0 {
		return math.MaxInt64
	}
	return now + int64(d)
}

// arm sets the timer, so that tick is called at the given time or before. It is
// called when one of the times is set, but not when one is cleared: tick then finds
// that nothing is due.
func (c *conn) arm(at int64) {
	c.mu.held()
	if at == math.MaxInt64 || c.clock.armed != 0 && c.clock.armed <= at {
		return
	}
	c.clock.armed = at
	d := time.Duration(at - c.now())
	if c.clock.timer == nil {
		c.clock.timer = time.AfterFunc(d, c.tick)
	} else {
		c.clock.timer.Reset(d)
	}
}

// A round is one check of all times.
type round struct {
	now  int64
	next int64 // the earliest time that is not due yet
}

// due reports whether a time has come.
func (r *round) due(at int64) bool {
	if at > r.now {
		r.next = min(r.next, at)
	}
	return at <= r.now
}

// tick ends what has taken too long. The timer calls it; it locks mu.
func (c *conn) tick() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.clock.armed = 0
	if c.out.broken != nil {
		return
	}
	r := round{c.now(), math.MaxInt64}
	if c.ending.closeAt != 0 {
		// It has no streams, and everything has been written.
		if !r.due(c.ending.closeAt) {
			c.scheduleFlush()
			c.arm(r.next)
		} else if !c.delayClose(r.now) {
			c.abort(errGone)
		}
		return
	}
	if c.checkTimes(&r) {
		for _, st := range c.streams.open {
			c.checkDeadlines(st, &r)
		}
	}
	c.scheduleFlush()
	c.arm(r.next)
}

// checkTimes looks at the times of the connection, and reports whether those of its
// streams matter: it has not failed.
func (c *conn) checkTimes(r *round) bool {
	if c.clock.headerBy != 0 && r.due(c.clock.headerBy) {
		c.failConn(connError{http2.ErrCodeEnhanceYourCalm, "a header that takes too long"})
		return false
	}
	if c.client.unacked > 0 && r.due(c.clock.settingsBy) {
		// RFC 9113, section 6.5.3.
		c.failConn(connError{http2.ErrCodeSettingsTimeout, "SETTINGS were not acknowledged"})
		return false
	}
	if c.ending.finalBy != 0 && r.due(c.ending.finalBy) {
		c.finalGoAway()
	}
	if c.clock.stallBy != 0 && r.due(c.clock.stallBy) {
		c.endStalled()
	}
	if len(c.streams.open) == 0 {
		c.checkIdle(r)
	}
	if c.ending.closeAt != 0 {
		r.due(c.ending.closeAt)
		return true
	}
	return c.checkPing(r)
}

// endStalled resets the streams that the client has opened no window of the connection
// for.
func (c *conn) endStalled() {
	c.clock.stallBy = 0
	for _, st := range c.streams.open {
		if st.turn.scheduled {
			c.resetFor(st.id, http2.ErrCodeInternal, errDeadline)
		}
	}
}

// checkIdle ends a connection that has had no streams for too long, and takes the
// large buffer of its input from it before.
func (c *conn) checkIdle(r *round) {
	if c.ending.stage == serving && r.due(after(c.clock.idleFrom, c.lim.idleTimeout)) {
		c.finalGoAway()
	}
	if c.ending.closeAt != 0 || !c.reader.in.large.Load() {
		return
	}
	if r.due(c.clock.idleFrom + int64(keepLargeInput)) {
		c.wakeReader() // it gives the buffer back before it reads on
	}
}

// checkPing asks a client that has been silent whether it is still there, and
// reports whether the connection goes on: not if it has not answered in time.
func (c *conn) checkPing(r *round) bool {
	if c.lim.pingAfter < 0 {
		return true
	}
	heard := c.clock.heard.Load()
	switch {
	case c.clock.pingBy != 0 && heard >= c.clock.pinged:
		// Whatever it was that came: the client is there.
		c.clock.pingBy = 0
		r.due(after(heard, c.lim.pingAfter))
	case c.clock.pingBy != 0:
		if r.due(c.clock.pingBy) {
			c.abort(errGone)
			return false
		}
	case r.due(after(heard, c.lim.pingAfter)):
		var data [8]byte
		rand.Read(data[:])
		c.out.ping(0, data[:])
		c.clock.pinged = r.now
		c.clock.pingBy = after(r.now, c.lim.pingTimeout)
		r.due(c.clock.pingBy)
	}
	return true
}

// setDeadlines gives a stream that begins the timeouts of http.Server. They count
// from when the reader last read something, which is when the request came: a fresh
// look at the time would be one for each request.
func (c *conn) setDeadlines(st *stream) {
	if c.lim.readTimeout > 0 && st.req.body != nil {
		st.times.read = c.clock.heard.Load() + int64(c.lim.readTimeout)
		c.arm(st.times.read)
	}
	if c.lim.writeTimeout > 0 {
		st.times.write = c.clock.heard.Load() + int64(c.lim.writeTimeout)
		c.arm(st.times.write)
	}
}

// checkDeadlines applies the deadlines of st, and notes the others.
func (c *conn) checkDeadlines(st *stream, r *round) {
	c.expire(st, r.now)
	for _, at := range [...]int64{st.times.read, st.times.write, st.times.stall} {
		if at != 0 {
			r.next = min(r.next, at)
		}
	}
}

// expire applies those deadlines of st that are over. One for reading is the
// handler's to answer, whose Read fails; one for writing ends the stream, since
// what was written can be taken back no other way.
func (c *conn) expire(st *stream, now int64) {
	if by := st.times.read; by != 0 && by <= now {
		st.times.read = 0
		if st.req.body != nil {
			c.refund(st.req.body.fail(errDeadline))
		}
	}
	if w, s := st.times.write, st.times.stall; w != 0 && w <= now || s != 0 && s <= now {
		st.times.write, st.times.stall = 0, 0
		c.resetFor(st.id, http2.ErrCodeInternal, errDeadline)
	}
}
