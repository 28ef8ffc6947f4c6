package h2

// A level has the streams of one level of the scheduler. Those that are not
// incremental are sent one after another, in the order of their requests, and the
// incremental ones, which take turns, have what they leave. Any change takes O(log n):
// the client decides how often there is one.
type level struct {
	ordered streamHeap
	turns   streamList
}

// add adds st, which is in no level.
func (l *level) add(st *stream) {
	if st.turn.incremental {
		l.turns.push(st)
	} else {
		l.ordered.push(st)
	}
}

// remove takes out st, which has to be there.
func (l *level) remove(st *stream) {
	if st.turn.incremental {
		l.turns.remove(st)
	} else {
		l.ordered.remove(st)
	}
}

// A streamList is a list of streams, linked by their turns.
type streamList struct{ head, tail *stream }

// push puts st behind all others.
func (l *streamList) push(st *stream) {
	st.turn.prev, st.turn.next = l.tail, nil
	if l.tail == nil {
		l.head = st
	} else {
		l.tail.turn.next = st
	}
	l.tail = st
}

// remove takes st out of the list, which it has to be in.
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

// A streamHeap is a heap of streams by their identifiers: the first has the lowest, and
// that at n a lower one than those at 2n+1 and 2n+2. turn.at says where a stream is.
type streamHeap []*stream

// push adds st.
func (h *streamHeap) push(st *stream) {
	*h = append(*h, st)
	h.up(st, len(*h)-1)
}

// remove takes out st, which has to be there. The last takes its place.
func (h *streamHeap) remove(st *stream) {
	at, last := st.turn.at, len(*h)-1
	moved := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	if moved == st {
		return
	}
	h.down(moved, at)
	h.up(moved, moved.turn.at)
}

// up moves st from at towards the first.
func (h *streamHeap) up(st *stream, at int) {
	for at > 0 && (*h)[(at-1)/2].id > st.id {
		h.set((*h)[(at-1)/2], at)
		at = (at - 1) / 2
	}
	h.set(st, at)
}

// down moves st from at away from the first.
func (h *streamHeap) down(st *stream, at int) {
	for {
		next := 2*at + 1
		if next+1 < len(*h) && (*h)[next+1].id < (*h)[next].id {
			next++
		}
		if next >= len(*h) || (*h)[next].id > st.id {
			break
		}
		h.set((*h)[next], at)
		at = next
	}
	h.set(st, at)
}

func (h *streamHeap) set(st *stream, at int) { (*h)[at], st.turn.at = st, at }
