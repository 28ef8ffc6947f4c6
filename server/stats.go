package server

import "github.com/larkspur-web/larkspur/server/h2"

// SlotStats are what [Slots] are used for.
type SlotStats struct {
	Calls   int // that may run at once
	Running int // calls that have a slot
	Going   int // calls that have begun, and wait for a slot to go on
	Coming  int // requests that wait for a slot, or for memory
	Waiting int // calls that have begun and wait for something else, as Slots.Waiting counts them
}

// Stats returns them.
func (s *Slots) Stats() SlotStats {
	s = s.orProcess()
	s.mu.Lock()
	stats := SlotStats{Calls: s.all, Running: s.all - s.free, Going: s.going.Len(),
		Coming: s.coming.Len() + s.short}
	s.mu.Unlock()
	s.waiting.mu.Lock()
	defer s.waiting.mu.Unlock()
	stats.Waiting = s.waiting.units
	return stats
}

// ConnStats are the connections of a [Group], whichever HTTP they speak.
type ConnStats struct {
	Open  int    // that are open
	Idle  int    // of those, that have no request
	Taken uint64 // that were accepted so far
	Shed  uint64 // of those, that were closed because there were too many
}

// GroupStats are what a [Group] serves now, and has served.
type GroupStats struct {
	Conns ConnStats
	HTTP2 h2.Stats // zero without an Engine
}

// Stats returns them. It takes the lock of each connection of HTTP/2: it is for now and then.
func (g *Group) Stats() (stats GroupStats) {
	stats.Conns = g.conns.stats()
	g.mu.Lock()
	engine := g.engine
	g.mu.Unlock()
	if engine != nil {
		stats.HTTP2 = engine.Stats()
	}
	return stats
}

func (c *conns) stats() ConnStats {
	c.mu.Lock()
	defer c.mu.Unlock()
	stats := c.count
	stats.Open, stats.Idle = len(c.open), c.idle.Len()
	return stats
}
