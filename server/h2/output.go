package h2

import (
	"sync"
	"time"

	"golang.org/x/net/http2"
)

const (
	// outputSize is how much output is gathered before it must be written. It is
	// four TLS records.
	outputSize = 64 << 10
	// dataSize is the largest payload of a DATA frame: a frame is a TLS record.
	dataSize = 16<<10 - frameHeaderLen
	// maxDelay is how long a finished response waits for others of its batch, if
	// they are less than a record together.
	maxDelay = 200 * time.Microsecond
)

// output holds the frames that are to be written to the client. They are appended
// to buf with the connection's lock held. Any goroutine may write them, one at a
// time: it takes buf, releases the lock, and writes. What is appended meanwhile
// goes out with the next write, in one TLS record if it fits.
//
// The order in buf is that on the wire. The encoder changes its table with each
// block, so its output must be appended at once. DATA is moved into buf only just
// before it is written, when the scheduler has chosen the stream: see fillOutput.
//
// conn.mu guards it. The goroutine that has set flushing owns deadlineAt, slow and
// the buffer that it has taken, and is the only one that writes to the connection,
// until it resets flushing. If there is something to write, then flushing or flushQueued is set, or
// a goroutine that waits with DATA has been woken to flush: see scheduleFlush.
type output struct {
	buf         []byte
	pooled      *[]byte   // where buf is from
	since       int64     // when the first response came that is delayed; 0: none is
	flushing    bool      // a goroutine is writing
	flushQueued bool      // conn.run, which will write, is queued with the workers
	roomWaiters []*stream // streams whose goroutines wait for room in buf
	broken      error     // set when nothing can be written any more
	deadlineAt  int64     // when the deadline of writes was last set
	slow        bool      // the client took long for what was last written
}

var outputs = sync.Pool{New: func() any { b := make([]byte, 0, outputSize); return &b }}

// buffer returns buf, made if necessary, to be appended to.
func (o *output) buffer() []byte {
	if o.buf == nil {
		o.pooled = outputs.Get().(*[]byte)
		o.buf = (*o.pooled)[:0]
	}
	return o.buf
}

// frame appends the header of a frame. The caller appends the payload to buf.
func (o *output) frame(kind http2.FrameType, flags http2.Flags, id uint32, length int) {
	o.buf = appendFrame(o.buffer(), kind, flags, id, length)
}

// sealBlock completes the HEADERS or PUSH_PROMISE frame that begins at buf[at] and
// reaches to the end of buf: it sets the length and END_HEADERS, and cuts the
// payload into CONTINUATION frames if it is larger than the client's maximum frame
// size. RFC 9113, section 4.3.
func (o *output) sealBlock(at, frameSize int) {
	n := len(o.buf) - at - frameHeaderLen
	h := o.buf[at:]
	if n <= frameSize {
		h[0], h[1], h[2] = byte(n>>16), byte(n>>8), byte(n)
		h[4] |= byte(flagEndHeaders)
		return
	}
	// Blocks of this size are rare: the rest is copied twice.
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

// takeAll takes the buffer to write it, and wakes the goroutines that wait for
// room.
func (o *output) takeAll() (buf []byte, pooled *[]byte) {
	buf, pooled = o.buf, o.pooled
	o.buf, o.pooled, o.since = nil, nil, 0
	o.wakeRoomWaiters()
	return buf, pooled
}

// wakeRoomWaiters wakes the goroutines in waitForRoom.
func (o *output) wakeRoomWaiters() {
	for _, st := range o.roomWaiters {
		st.signal()
	}
	o.roomWaiters = o.roomWaiters[:0]
}

// recycle returns a buffer from takeAll to the pool, unless a large header made it
// grow.
func recycle(buf []byte, pooled *[]byte) {
	if cap(buf) <= 2*outputSize {
		*pooled = buf[:0]
		outputs.Put(pooled)
	}
}
