package h2

import (
	"time"
)

const (
	// Levels of the scheduler: a critical promise of a page with urgency 0, the urgencies, and
	// promises that are not critical.
	levels    = 10
	pushLevel = levels - 1

	// Every fairShare-th turn goes to another level than the first, each in its turn, so that nothing
	// starves.
	fairShare = 16

	// pagePause is how long a page must have sent nothing before its promises use its time.
	pagePause = 20 * time.Millisecond
)

// A scheduler says whose DATA goes out next: the lowest level first, and within it streams that are
// incremental in turns, and others one after another. It holds the streams that have DATA and a window
// for it.
//
// A promise that is not critical gives way to the page that it belongs to until the page's end, but for
// the time in which the page has nothing to send: once it has sent nothing for pagePause.
type scheduler struct {
	level [levels]streamList
	n     int
	turn  uint
}

// A streamList is a list of streams, linked by their fields.
type streamList struct{ head, tail *stream }

// levelOf is st's level.
func levelOf(st *stream) int {
	switch {
	case st.parent == nil || st.priority.explicit:
		if !st.priority.explicit {
			return 1 + defaultUrgency
		}
		return 1 + int(st.priority.urgency)
	case st.critical:
		return max(0, levelOf(st.parent)-1)
	}
	return pushLevel
}

// push adds st, if it has something to send and may.
func (s *scheduler) push(st *stream) {
	if st.scheduled || st.dead || len(st.pending) == 0 || st.window <= 0 {
		return
	}
	st.scheduled = true
	st.at = int8(levelOf(st))
	l := &s.level[st.at]
	s.n++
	if st.priority.incremental {
		l.insert(st, nil)
		return
	}
	// One after another: in the order of their requests.
	next := l.head
	for next != nil && (next.priority.incremental || next.id < st.id) {
		next = next.next
	}
	l.insert(st, next)
}

func (s *scheduler) remove(st *stream) {
	if st.scheduled {
		st.scheduled = false
		s.level[st.at].remove(st)
		s.n--
	}
}

// sent says that st has had its turn.
func (s *scheduler) sent(st *stream) {
	if st.scheduled && st.priority.incremental {
		l := &s.level[st.at]
		l.remove(st)
		l.insert(st, nil)
	}
}

// first is the stream whose turn is next, in the order of the levels.
func (s *scheduler) first(c *conn) *stream {
	if s.n == 0 {
		return nil
	}
	for i := range s.level {
		for st := s.level[i].head; st != nil; st = st.next {
			if !s.gives(c, st) {
				return st
			}
		}
	}
	return nil
}

// next is first, but for the turns of those that are served last.
func (s *scheduler) next(c *conn) *stream {
	if s.n < 2 {
		return s.first(c)
	}
	if s.turn++; s.turn%fairShare == 0 {
		last := levels - 1 - s.turn/fairShare%levels // served last
		for i := range uint(levels) {
			for st := s.level[(last+levels-i)%levels].head; st != nil; st = st.next {
				if !s.gives(c, st) {
					return st
				}
			}
		}
	}
	return s.first(c)
}

// gives says if st, a promise, gives way to its page for now; the connection is kicked when that may
// have changed.
func (s *scheduler) gives(c *conn, st *stream) bool {
	page := st.parent
	if page == nil || st.critical || page.dead {
		return false
	}
	if len(page.pending) > 0 && page.scheduled {
		return true
	}
	until := page.lastSent + int64(pagePause)
	if c.now() >= until {
		return false
	}
	c.arm(until)
	return true
}

// insert puts st before next, or last if next is nil.
func (l *streamList) insert(st, next *stream) {
	st.next = next
	if next == nil {
		st.prev = l.tail
		l.tail = st
	} else {
		st.prev = next.prev
		next.prev = st
	}
	if st.prev == nil {
		l.head = st
	} else {
		st.prev.next = st
	}
}

func (l *streamList) remove(st *stream) {
	if st.prev == nil {
		l.head = st.next
	} else {
		st.prev.next = st.next
	}
	if st.next == nil {
		l.tail = st.prev
	} else {
		st.next.prev = st.prev
	}
	st.prev, st.next = nil, nil
}
