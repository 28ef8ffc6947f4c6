package h2

import (
	"crypto/rand"
	"math"
	"sync/atomic"
	"time"

	"golang.org/x/net/http2"
)

// A clock ends what takes too long. A connection has one timer for all: it is set to the earliest
// of the times below, or earlier; when it fires, tick looks at all of them and sets it anew. So what is
// renewed with each request (a deadline, being idle) costs no timer.
type clock struct {
	timer *time.Timer
	armed int64        // when timer fires; 0: never
	heard atomic.Int64 // when the client last sent something

	headerBy   int64 // the preface, or the header block that is being read, must be there
	settingsBy int64 // the client must have acknowledged SETTINGS
	idleFrom   int64 // when the last stream ended
	pingBy     int64 // the client must have said something after the PING; 0: none is under way
	pinged     int64 // when it was sent
}

// wideFor is how long a connection without streams keeps the large buffer of its input.
const wideFor = time.Second

// startClock sets what holds for a new connection; mu is held.
func (c *conn) startClock() {
	now := c.now()
	c.heard.Store(now)
	c.budgetAt = now
	c.idleFrom = now
	c.headerBy = after(now, c.lim.headerTimeout)
	c.settingsBy = after(now, c.lim.settingsTimeout)
	c.arm(min(c.headerBy, c.settingsBy, after(now, c.lim.idleTimeout), after(now, c.lim.pingAfter)))
}

// after is the time d after now; never, if d is negative.
func after(now int64, d time.Duration) int64 {
	if d < 0 {
		return math.MaxInt64
	}
	return now + int64(d)
}

// arm has tick called at the given time, or before; mu is held.
func (c *conn) arm(at int64) {
	if at == math.MaxInt64 || c.armed != 0 && c.armed <= at {
		return
	}
	c.armed = at
	d := time.Duration(at - c.now())
	if c.timer == nil {
		c.timer = time.AfterFunc(d, c.tick)
	} else {
		c.timer.Reset(d)
	}
}

// setDeadlines gives a stream that begins the timeouts of http.Server; mu is held.
func (c *conn) setDeadlines(st *stream) {
	if c.lim.readTimeout > 0 && st.in != nil {
		st.readBy = c.heard.Load() + int64(c.lim.readTimeout)
		c.arm(st.readBy)
	}
	if c.lim.writeTimeout > 0 {
		st.writeBy = c.heard.Load() + int64(c.lim.writeTimeout)
		c.arm(st.writeBy)
	}
}

// tick ends what has taken too long.
func (c *conn) tick() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.armed = 0
	if c.broken != nil {
		return
	}
	now := c.now()
	next := int64(math.MaxInt64)
	due := func(at int64) bool {
		if at > now {
			next = min(next, at)
		}
		return at <= now
	}
	if c.deadAt != 0 {
		if due(c.deadAt) {
			if !c.lingers(now) {
				c.fail(errGone)
			}
			return
		}
	} else if c.pass(now, due) {
		for _, st := range c.streams {
			c.expire(st, now)
			for _, at := range [...]int64{st.readBy, st.writeBy, st.stallBy} {
				if at != 0 {
					next = min(next, at)
				}
			}
		}
	}
	c.kick()
	c.arm(next)
}

// pass looks at the times of the connection, and says if it goes on.
func (c *conn) pass(now int64, due func(int64) bool) bool {
	if c.headerBy != 0 && due(c.headerBy) {
		c.doom(connError{http2.ErrCodeEnhanceYourCalm, "a header that takes too long"})
		return false
	}
	if c.unacked > 0 && due(c.settingsBy) {
		c.doom(connError{http2.ErrCodeSettingsTimeout, "SETTINGS were not acknowledged"})
		return false
	}
	if c.finalBy != 0 && due(c.finalBy) {
		c.finalGoAway()
	}
	if len(c.streams) == 0 && c.stage == serving && due(after(c.idleFrom, c.lim.idleTimeout)) {
		c.finalGoAway()
	}
	if c.deadAt != 0 {
		due(c.deadAt)
		return true
	}
	if len(c.streams) == 0 && c.in.wide.Load() && due(c.idleFrom+int64(wideFor)) {
		c.nudge()
	}
	heard := c.heard.Load()
	switch {
	case c.lim.pingAfter < 0:
	case c.pingBy != 0 && heard >= c.pinged:
		c.pingBy = 0
		due(after(heard, c.lim.pingAfter))
	case c.pingBy != 0:
		if due(c.pingBy) {
			c.fail(errGone)
			return false
		}
	case due(after(heard, c.lim.pingAfter)):
		var data [8]byte
		rand.Read(data[:])
		c.ping(data)
		c.pinged = now
		c.pingBy = now + int64(c.lim.pingTimeout)
		due(c.pingBy)
	}
	return true
}

// expire applies the deadlines of st; mu is held.
func (c *conn) expire(st *stream, now int64) {
	if st.readBy != 0 && st.readBy <= now {
		st.readBy = 0
		if st.in != nil {
			c.refund(st.in.fail(errDeadline))
		}
	}
	if st.writeBy != 0 && st.writeBy <= now || st.stallBy != 0 && st.stallBy <= now {
		st.writeBy, st.stallBy = 0, 0
		c.resetFor(st.id, http2.ErrCodeInternal, errDeadline)
	}
}

func (c *conn) ping(data [8]byte) {
	c.out = appendFrame(c.outBuffer(), http2.FramePing, 0, 0, 8)
	c.out = append(c.out, data[:]...)
}
