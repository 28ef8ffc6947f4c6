package push

import (
	"sync"
	"sync/atomic"
	"time"
)

// A connection is what is known of a connection to a client.
type connection struct {
	diary  diary
	open   atomic.Int64 // promises that are not settled, those that are not made yet among them
	unmade atomic.Int64 // those alone

	mu     sync.Mutex
	runs   debt // runs of the application that no promise came of
	resets debt // promises that the client has reset, less those that it took
}

// What a client can have done for nothing: a run of the application that no promise comes of costs
// the server what a request does, and the client next to nothing, as does a promise that it resets.
//
// A client may reset what it has in its cache: RFC 9113, section 8.4.2. So each promise that it
// takes makes one reset good, as time does, and only who resets the larger part of them comes to
// owe maxResets. It gets no promises until it owes less. What it took counts for nothing beyond
// that, lest resets be saved up, and who owes twice as much owes no more, lest it be shunned for
// long.
const (
	maxRuns    = 64                     // on a connection, at once
	runEvery   = 125 * time.Millisecond // and one more
	maxResets  = 8                      // more than were taken
	resetEvery = 8 * time.Second        // and one more
)

// A debt is what a client has had done for nothing, less what was made good. The zero value is
// none.
type debt struct {
	n       int
	counted time.Time // until when time has made it good
}

// pass has time make good one of the debt every so often.
func (d *debt) pass(now time.Time, every time.Duration) {
	n := int(now.Sub(d.counted) / every)
	if n >= d.n {
		d.n, d.counted = 0, now
		return
	}
	d.n -= n
	d.counted = d.counted.Add(time.Duration(n) * every)
}

// connectionKey is the key of the *connection in a [Promiser]'s Session.
type connectionKey struct{}

// connectionOf returns what is known of the connection of p.
func connectionOf(p Promiser) *connection {
	m := p.Session()
	if c, ok := m.Load(connectionKey{}); ok {
		return c.(*connection)
	}
	c, _ := m.LoadOrStore(connectionKey{}, new(connection))
	return c.(*connection)
}

// mayRun reports whether one more response may be verified, and counts it. If a promise comes of
// it, paid must follow.
func (c *connection) mayRun(now time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.runs.pass(now, runEvery)
	if c.runs.n >= maxRuns {
		return false
	}
	c.runs.n++
	return true
}

// paid takes back a run: the client gets a response for it.
func (c *connection) paid() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.runs.n = max(0, c.runs.n-1)
}

// took notes that the client let a promise be sent whole, and reports whether that made a reset
// good.
func (c *connection) took(now time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.resets.pass(now, resetEvery)
	if c.resets.n == 0 {
		return false
	}
	c.resets.n--
	return true
}

// reset notes that the client did not take a promise. paid says that it had, and made another good.
func (c *connection) reset(now time.Time, paid bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.resets.pass(now, resetEvery)
	c.resets.n++
	if paid {
		c.resets.n++
	}
	c.resets.n = min(c.resets.n, 2*maxResets)
}

// shunned reports whether the client gets no promises for a while, since it resets them.
func (c *connection) shunned(now time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.resets.pass(now, resetEvery)
	return c.resets.n >= maxResets
}
