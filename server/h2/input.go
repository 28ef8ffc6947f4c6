package h2

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// The sizes of an input's buffers: one for requests, and one for more.
const (
	smallInput = 2 << 10
	largeInput = 32 << 10
)

// keepLargeInput is how long a connection without streams keeps the large one.
const keepLargeInput = time.Second

var largeInputs = sync.Pool{New: func() any { b := make([]byte, largeInput); return &b }}

// input buffers what was read and is not handled yet. It uses a large buffer only
// while the client sends more than the small one holds. The clock has that given
// back when the connection has been idle for a while. So an idle connection costs 2
// KiB of input, and one that uploads reads much at once.
type input struct {
	buf    []byte
	r, w   int     // buf[r:w] is not handled yet
	last   int     // size of the last read
	pooled *[]byte // the large buffer, if buf is that
	small  [smallInput]byte

	large atomic.Bool // pooled is not nil; read by other goroutines
}

// bytes is what is not handled yet. It is valid until the next fill.
func (in *input) bytes() []byte { return in.buf[in.r:in.w] }

// skip notes that n bytes of it have been handled.
func (in *input) skip(n int) { in.r += n }

// errWoken ends a Read of the reader: the connection is over, or the large buffer
// is to be given back.
var errWoken = errors.New("h2: the reader was woken")

// wakeReader makes the reader's fill return errWoken, now or when it is next
// called. A deadline in the past ends a Read and leaves the connection usable. It
// needs no lock.
func (c *conn) wakeReader() {
	if c.nc.SetReadDeadline(time.Unix(1, 0)) != nil {
		c.raw.Close()
	}
}

// fill reads at least a byte more. need is the size of the frame that has begun,
// which has to fit into the buffer.
func (in *input) fill(nc net.Conn, need int) error {
	in.makeRoom(need)
	n, err := nc.Read(in.buf[in.w:])
	in.w += n
	in.last = n
	switch {
	case n > 0:
		return nil
	case err == nil:
		return io.ErrNoProgress
	case errors.Is(err, os.ErrDeadlineExceeded):
		// wakeReader is the only one that sets read deadlines.
		nc.SetReadDeadline(time.Time{})
		return errWoken
	}
	return err
}

// makeRoom makes room to read into, and for need bytes from r on.
func (in *input) makeRoom(need int) {
	rest := in.w - in.r
	switch {
	// Nothing is left over, and little came: the small buffer will do again.
	case rest == 0 && in.last < smallInput/2:
		in.release()
		in.buf, in.r, in.w = in.small[:], 0, 0
	// Much came, or a frame has begun that may not fit.
	case in.pooled == nil:
		in.use(largeInputs.Get().(*[]byte))
	// What is left over is moved to the front, but not for the sake of a few bytes.
	case rest == 0 || len(in.buf)-in.r < max(need, largeInput/2):
		in.w = copy(in.buf, in.bytes())
		in.r = 0
	}
	if need > len(in.buf) {
		// Only with a MaxReadFrameSize above its default, and for frames that are
		// handled whole.
		grown := make([]byte, need)
		in.use(&grown)
	}
}

// use goes on in another buffer than the small one.
func (in *input) use(p *[]byte) {
	in.w = copy(*p, in.bytes())
	in.r = 0
	in.release()
	in.pooled, in.buf = p, *p
	in.large.Store(true)
}

// release gives back the buffer that is not the small one. What was in it must not
// be used any more.
func (in *input) release() {
	if in.pooled == nil {
		return
	}
	if len(*in.pooled) == largeInput {
		largeInputs.Put(in.pooled)
	}
	in.pooled = nil
	in.large.Store(false)
}
