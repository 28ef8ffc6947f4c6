package push

import (
	"sync"
	"sync/atomic"
	"time"
)

// A connection is what is known of a connection to a client.
type connection struct {
	diary diary
	open  atomic.Int64 // promises that are not settled

	mu       sync.Mutex
	runs     int       // that no promise came of, less those that time has made good
	counted  time.Time // until when it has
	resets   int       // of promises, the last at
	reset    time.Time
	shunning time.Time // until when the client gets no promises
}

// What a client can have done for nothing: a run of the application that no promise comes of costs
// the server what a request does, and the client next to nothing, as does a promise that it resets.
const (
	maxRuns    = 64                     // on a connection, at once
	runEvery   = 125 * time.Millisecond // and one more
	maxResets  = 5                      // of promises, which brings on
	shunnedFor = time.Minute            // without any
)

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
	if n := int(now.Sub(c.counted) / runEvery); n >= c.runs {
		c.runs, c.counted = 0, now
	} else {
		c.runs -= n
		c.counted = c.counted.Add(time.Duration(n) * runEvery)
	}
	if c.runs >= maxRuns {
		return false
	}
	c.runs++
	return true
}

// paid takes back a run: the client gets a response for it.
func (c *connection) paid() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.runs = max(0, c.runs-1)
}

// refused notes that the client did not take a promise.
func (c *connection) refused(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now.Sub(c.reset) > shunnedFor {
		c.resets = 0
	}
	c.reset = now
	if c.resets++; c.resets >= maxResets {
		c.shunning = now.Add(shunnedFor)
	}
}

// shunned reports whether the client gets no promises for a while, since it has reset them.
func (c *connection) shunned(now time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return now.Before(c.shunning)
}
