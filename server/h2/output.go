package h2

import (
	"sync"
	"time"

	"golang.org/x/net/http2"
)

const (
	// outputSize is how much output is gathered before it must be written: four TLS records.
	outputSize = 64 << 10
	// dataSize is the most payload that a DATA frame has, so that a frame is a TLS record.
	dataSize = 16<<10 - frameHeaderLen
	// A finished response waits for others of its batch until there is a record's worth, or for
	// maxDelay.
	maxDelay = 200 * time.Microsecond
)

// An output is what is to be written to the client. Frames are appended to it under the connection's
// lock, and whoever finds that nobody writes it, writes all of it, without the lock. So what is finished
// during a write goes out with the next, in one TLS record if it fits.
//
// conn.mu guards it. Whoever has set flushing owns what it has taken out of buf, and is alone in writing
// to the connection, until it sets it back. When something can be written and nobody is flushing,
// somebody will: flushQueued tells that a task is with the workers, and a handler that waits with DATA of
// its own is woken to do it (see scheduleFlush). DATA is not in buf until its turn has come: see
// fillOutput.
type output struct {
	buf         []byte
	pooled      *[]byte   // what buf is of
	since       int64     // when the first response came into buf that waits for others; 0: none does
	flushing    bool      // somebody writes
	flushQueued bool      // a task that will write is with the workers
	roomWaiters []*stream // whose handlers wait for room in buf
	broken      error     // why nothing can be written any more
	deadlineAt  int64     // when the deadline of writes was last set
}

var outputs = sync.Pool{New: func() any { b := make([]byte, 0, outputSize); return &b }}

// buffer is buf, to be appended to.
func (o *output) buffer() []byte {
	if o.buf == nil {
		o.pooled = outputs.Get().(*[]byte)
		o.buf = (*o.pooled)[:0]
	}
	return o.buf
}

// frame appends the header of a frame, whose payload the caller appends to buf.
func (o *output) frame(kind http2.FrameType, flags http2.Flags, id uint32, length int) {
	o.buf = appendFrame(o.buffer(), kind, flags, id, length)
}

// sealBlock puts the length into the HEADERS or PUSH_PROMISE frame whose header is at buf[at:] and whose
// payload ends buf, and cuts it into CONTINUATION frames if the client takes no frame so large. RFC 9113,
// section 4.3.
func (o *output) sealBlock(at, frameSize int) {
	n := len(o.buf) - at - frameHeaderLen
	h := o.buf[at:]
	if n <= frameSize {
		h[0], h[1], h[2] = byte(n>>16), byte(n>>8), byte(n)
		h[4] |= byte(flagEndHeaders)
		return
	}
	id := uint32(h[5])<<24 | uint32(h[6])<<16 | uint32(h[7])<<8 | uint32(h[8])
	rest := append([]byte(nil), h[frameHeaderLen+frameSize:]...)
	h[0], h[1], h[2] = byte(frameSize>>16), byte(frameSize>>8), byte(frameSize)
	o.buf = o.buf[:at+frameHeaderLen+frameSize]
	for len(rest) > 0 {
		m := min(len(rest), frameSize)
		var flags http2.Flags
		if m == len(rest) {
			flags = flagEndHeaders
		}
		o.buf = appendFrame(o.buf, http2.FrameContinuation, flags, id, m)
		o.buf = append(o.buf, rest[:m]...)
		rest = rest[m:]
	}
}

// takeAll takes what is to be written, and lets those go on that wait for room.
func (o *output) takeAll() (buf []byte, pooled *[]byte) {
	buf, pooled = o.buf, o.pooled
	o.buf, o.pooled, o.since = nil, nil, 0
	o.wakeRoomWaiters()
	return buf, pooled
}

func (o *output) wakeRoomWaiters() {
	for _, st := range o.roomWaiters {
		st.signal()
	}
	o.roomWaiters = o.roomWaiters[:0]
}

// recycle gives back what takeAll took.
func recycle(buf []byte, pooled *[]byte) {
	if cap(buf) <= 2*outputSize {
		*pooled = buf[:0]
		outputs.Put(pooled)
	}
}
