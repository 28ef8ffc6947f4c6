package h2

import "time"

const (
	// The levels of the scheduler: a critical promise of a page with urgency 0, the
	// urgencies, and promises that are not critical.
	levels    = 10
	pushLevel = levels - 1

	// Every fairShare-th turn goes to another level than the first, to each level
	// in rotation, so that no stream starves.
	fairShare = 16

	// pagePause is how long a page must have sent nothing before its promises use
	// its time.
	pagePause = 20 * time.Millisecond
)

// A scheduler decides which stream sends DATA next: one of the lowest level, where others go before
// incremental streams. RFC 9218, section 10. It holds just the streams that have DATA and a window.
// conn.mu guards it.
//
// A promise that is not critical yields to its page, until that ends or has sent
// nothing for pagePause. It stays in its list, and is passed over. A priority that
// the client gives to a promised stream takes precedence.
type scheduler struct {
	level [levels]level
	n     int  // streams in all levels
	turns uint // calls of next with two streams or more
}

// A turn is a stream's place in the scheduler.
type turn struct {
	priority
	scheduled  bool // it is in its level
	level      int8
	prev, next *stream // if it is incremental
	at         int     // if it is not
}

// levelOf returns the level of st. That of a critical promise is just below its
// page's.
func levelOf(st *stream) int {
	switch {
	case st.promise.parent == nil || st.turn.explicit:
		if !st.turn.explicit {
			return 1 + defaultUrgency
		}
		return 1 + int(st.turn.urgency)
	case st.promise.critical:
		return max(0, levelOf(st.promise.parent)-1)
	}
	return pushLevel
}

// push adds st, if it has DATA and a window, and is not there yet. It is called
// when either has changed.
func (s *scheduler) push(st *stream) {
	if st.turn.scheduled || st.state.closed || len(st.out.data) == 0 || st.flow.out.n <= 0 {
		return
	}
	st.times.stall = 0 // its window is open
	st.turn.scheduled = true
	st.turn.level = int8(levelOf(st))
	s.level[st.turn.level].add(st)
	s.n++
}

// remove removes st, if it is there.
func (s *scheduler) remove(st *stream) {
	if st.turn.scheduled {
		st.turn.scheduled = false
		s.level[st.turn.level].remove(st)
		s.n--
	}
}

// sent notes that st has sent a frame. If it is incremental, it goes behind the
// others of its level.
func (s *scheduler) sent(st *stream) {
	if st.turn.scheduled && st.turn.incremental {
		l := &s.level[st.turn.level].turns
		l.remove(st)
		l.push(st)
	}
}

// first returns the first stream that may send, in the order of the levels, or nil.
func (s *scheduler) first(c *conn) *stream {
	if s.n == 0 {
		return nil
	}
	for i := range s.level {
		l := &s.level[i]
		if st := s.firstOrdered(c, l); st != nil {
			return st
		}
		if st := s.firstTurn(c, l); st != nil {
			return st
		}
	}
	return nil
}

// firstOrdered returns the first of l's streams that are not incremental, or nil.
func (s *scheduler) firstOrdered(c *conn, l *level) (first *stream) {
	if len(l.ordered) > 0 && !s.yieldsToParent(c, l.ordered[0]) {
		return l.ordered[0]
	}
	// Only a promise yields, and there are few of them that are not incremental.
	for _, st := range l.ordered {
		if (first == nil || st.id < first.id) && !s.yieldsToParent(c, st) {
			first = st
		}
	}
	return first
}

// firstTurn returns the one of l's incremental streams whose turn it is, or nil.
func (s *scheduler) firstTurn(c *conn, l *level) *stream {
	for st := l.turns.head; st != nil; st = st.turn.next {
		if !s.yieldsToParent(c, st) {
			return st
		}
	}
	return nil
}

// next returns the stream that sends next, or nil. Mostly that is first.
func (s *scheduler) next(c *conn) *stream {
	if s.n < 2 {
		return s.first(c)
	}
	if s.turns++; s.turns%fairShare == 0 {
		last := int(levels - 1 - s.turns/fairShare%levels) // whose turn it is
		for i := range levels {
			l := &s.level[(last+levels-i)%levels]
			if st := s.firstTurn(c, l); st != nil {
				return st
			}
			if st := s.firstOrdered(c, l); st != nil {
				return st
			}
		}
	}
	return s.first(c)
}

// yieldsToParent reports whether st is a promise that lets its page go first now.
// If the page has only paused, it sets the timer to the end of the pause, when the
// output is flushed again.
func (s *scheduler) yieldsToParent(c *conn, st *stream) bool {
	page := st.promise.parent
	if page == nil || st.promise.critical || page.state.closed {
		return false
	}
	if len(page.out.data) > 0 && page.turn.scheduled {
		return true
	}
	until := page.page.lastSent + int64(pagePause)
	if c.now() >= until {
		return false
	}
	c.arm(until)
	return true
}
