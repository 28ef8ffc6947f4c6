package h2

import "sync"

// chunkSize is the size of the pieces that bodies are kept in.
const chunkSize = 16 << 10

var chunks = sync.Pool{New: func() any { b := make([]byte, chunkSize); return &b }}

// A chunk is a piece of a body.
type chunk struct {
	pooled *[]byte // nil if it is not from chunks
	b      []byte  // what is unread
	room   []byte  // what follows b
}

// chunkList is what is unread of a body. The lock of its owner guards it.
type chunkList []chunk

// add adds a copy of p. left is how many bytes of the body are to come after it; -1:
// nobody knows.
func (l *chunkList) add(p []byte, left int64) {
	// Small frames share a chunk.
	if n := len(*l); n > 0 {
		last := &(*l)[n-1]
		m := copy(last.room, p)
		last.b = last.b[:len(last.b)+m]
		last.room = last.room[m:]
		p = p[m:]
	}
	for len(p) > 0 {
		k := l.newChunk(len(p), left)
		m := copy(k.room, p)
		k.b, k.room = k.room[:m], k.room[m:]
		p = p[m:]
		*l = append(*l, k)
	}
}

// newChunk is room for the last n bytes that came, or some of them. It is no more
// than what is declared to come, and little for a body that begins small, so that
// many small uploads do not take 16 KiB each.
func (l *chunkList) newChunk(n int, left int64) (k chunk) {
	switch {
	case left >= 0 && left+int64(n) < chunkSize:
		k.room = make([]byte, int(left)+n)
	case len(*l) == 0 && n < chunkSize/8:
		k.room = make([]byte, chunkSize/8)
	default:
		k.pooled = chunks.Get().(*[]byte)
		k.room = *k.pooled
	}
	return k
}

// copyTo moves what is unread into p, as far as there is room.
func (l *chunkList) copyTo(p []byte) (n int) {
	for len(*l) > 0 && n < len(p) {
		k := &(*l)[0]
		m := copy(p[n:], k.b)
		n += m
		k.b = k.b[m:]
		if len(k.b) > 0 {
			break
		}
		l.drop()
	}
	return n
}

// drop lets go of the first chunk.
func (l *chunkList) drop() {
	(*l)[0].free()
	(*l)[0] = chunk{}
	if *l = (*l)[1:]; len(*l) == 0 {
		*l = nil
	}
}

// discard throws away what is unread, and returns how much that was.
func (l *chunkList) discard() (n int) {
	for _, k := range *l {
		n += len(k.b)
		k.free()
	}
	*l = nil
	return n
}

// free gives the chunk back to the pool.
func (k *chunk) free() {
	if k.pooled != nil {
		chunks.Put(k.pooled)
		k.pooled = nil
	}
}
