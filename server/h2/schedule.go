package h2

import "time"

const (
	// The levels of the scheduler: a critical promise of a page with urgency 0, the urgencies, and
	// promises that are not critical.
	levels    = 10
	pushLevel = levels - 1

	// Every fairShare-th turn goes to another level than the first, to each in its turn, so that nothing
	// starves.
	fairShare = 16

	// pagePause is how long a page must have sent nothing before its promises use its time.
	pagePause = 20 * time.Millisecond
)

// A scheduler decides whose DATA goes out next: the lowest level first, and within it streams that are
// incremental in turns, and others one after another. RFC 9218, section 10. It holds the streams that
// have DATA and a window for it, and no others. conn.mu guards it.
//
// A promise that is not critical yields to the page that it belongs to until the page's end, but for the
// time in which the page has nothing to send: once it has sent nothing for pagePause.
type scheduler struct {
	level [levels]streamList
	n     int  // how many streams there are in all levels
	turns uint // that were given while there was a choice
}

// A turn is a stream's place in the scheduler.
type turn struct {
	priority
	scheduled  bool // it is in the list of its level
	level      int8
	prev, next *stream
}

// A streamList is a list of streams, linked by their turns.
type streamList struct{ head, tail *stream }

// levelOf is the level that st's priority gives it.
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

// push adds st, if it has something to send and may.
func (s *scheduler) push(st *stream) {
	if st.turn.scheduled || st.state.closed || len(st.out.data) == 0 || st.flow.out.n <= 0 {
		return
	}
	st.turn.scheduled = true
	st.turn.level = int8(levelOf(st))
	l := &s.level[st.turn.level]
	s.n++
	if st.turn.incremental {
		l.insert(st, nil)
		return
	}
	// One after another: in the order of their requests.
	next := l.head
	for next != nil && (next.turn.incremental || next.id < st.id) {
		next = next.turn.next
	}
	l.insert(st, next)
}

// remove removes st, if it is there.
func (s *scheduler) remove(st *stream) {
	if st.turn.scheduled {
		st.turn.scheduled = false
		s.level[st.turn.level].remove(st)
		s.n--
	}
}

// sent notes that st has had its turn.
func (s *scheduler) sent(st *stream) {
	if st.turn.scheduled && st.turn.incremental {
		l := &s.level[st.turn.level]
		l.remove(st)
		l.insert(st, nil)
	}
}

// first is the stream whose turn is next, in the order of the levels; nil if there is none.
func (s *scheduler) first(c *conn) *stream {
	if s.n == 0 {
		return nil
	}
	for i := range s.level {
		if st := s.firstOf(c, i); st != nil {
			return st
		}
	}
	return nil
}

// firstOf is first, within a level.
func (s *scheduler) firstOf(c *conn, level int) *stream {
	for st := s.level[level].head; st != nil; st = st.turn.next {
		if !s.yieldsToParent(c, st) {
			return st
		}
	}
	return nil
}

// next is first, but for the turns of those that are served last.
func (s *scheduler) next(c *conn) *stream {
	if s.n < 2 {
		return s.first(c)
	}
	if s.turns++; s.turns%fairShare == 0 {
		last := int(levels - 1 - s.turns/fairShare%levels) // whose turn it is
		for i := range levels {
			if st := s.firstOf(c, (last+levels-i)%levels); st != nil {
				return st
			}
		}
	}
	return s.first(c)
}

// yieldsToParent reports whether st, a promise, lets its page go first for now. If it is only because the
// page may go on soon, the connection's timer looks again when that is over.
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

// insert puts st before next, or last if next is nil.
func (l *streamList) insert(st, next *stream) {
	st.turn.next = next
	if next == nil {
		st.turn.prev = l.tail
		l.tail = st
	} else {
		st.turn.prev = next.turn.prev
		next.turn.prev = st
	}
	if st.turn.prev == nil {
		l.head = st
	} else {
		st.turn.prev.turn.next = st
	}
}

func (l *streamList) remove(st *stream) {
	if st.turn.prev == nil {
		l.head = st.turn.next
	} else {
		st.turn.prev.turn.next = st.turn.next
	}
	if st.turn.next == nil {
		l.tail = st.turn.prev
	} else {
		st.turn.next.turn.prev = st.turn.prev
	}
	st.turn.prev, st.turn.next = nil, nil
}
