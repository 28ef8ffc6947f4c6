package h2

import "time"

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
	frames
	since       int64     // when the first response came that is delayed; 0: none is
	flushing    bool      // a goroutine is writing
	flushQueued bool      // conn.run, which will write, is about to be called: see queueFlush
	roomWaiters []*stream // streams whose goroutines wait for room in buf
	broken      error     // set when nothing can be written any more
	deadlineAt  int64     // when the deadline of writes was last set
	slow        bool      // the client took long for what was last written
}

// takeAll takes the buffer to write it, and wakes the goroutines that wait for
// room.
func (o *output) takeAll() (buf []byte, pooled *[]byte) {
	o.since = 0
	o.wakeRoomWaiters()
	return o.take()
}

// wakeRoomWaiters wakes the goroutines in waitForRoom.
func (o *output) wakeRoomWaiters() {
	for _, st := range o.roomWaiters {
		st.signal()
	}
	o.roomWaiters = o.roomWaiters[:0]
}
