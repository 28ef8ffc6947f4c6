package h2

import (
	"encoding/binary"
	"sync"

	"golang.org/x/net/http2"
)

// frames are frames that are to be written, in the order that they have on the wire.
// The lock of the connection guards them.
type frames struct {
	buf    []byte
	pooled *[]byte // where buf is from
}

var outputs = sync.Pool{New: func() any { b := make([]byte, 0, outputSize); return &b }}

// buffer returns buf, made if necessary, to be appended to.
func (o *frames) buffer() []byte {
	if o.buf == nil {
		o.pooled = outputs.Get().(*[]byte)
		o.buf = (*o.pooled)[:0]
	}
	return o.buf
}

// take takes the buffer to write it.
func (o *frames) take() (buf []byte, pooled *[]byte) {
	buf, pooled = o.buf, o.pooled
	o.buf, o.pooled = nil, nil
	return buf, pooled
}

// recycle returns a buffer from take to the pool, unless a large header made it
// grow.
func recycle(buf []byte, pooled *[]byte) {
	if cap(buf) <= 2*outputSize {
		*pooled = buf[:0]
		outputs.Put(pooled)
	}
}

// frame appends the header of a frame. The caller appends the payload to buf.
func (o *frames) frame(kind http2.FrameType, flags http2.Flags, id uint32, length int) {
	o.buf = appendFrame(o.buffer(), kind, flags, id, length)
}

// beginHeaders begins a HEADERS frame, whose block e encodes. What sealBlock needs to
// end it is returned.
func (o *frames) beginHeaders(e *encoder, id uint32, flags http2.Flags) (at int) {
	at = len(o.buffer())
	o.frame(http2.FrameHeaders, flags, id, 0)
	o.buf = e.begin(o.buf)
	return at
}

// sealBlock completes the HEADERS or PUSH_PROMISE frame that begins at buf[at] and
// reaches to the end of buf: it sets the length and END_HEADERS, and cuts the
// payload into CONTINUATION frames if it is larger than the client's maximum frame
// size. RFC 9113, section 4.3.
func (o *frames) sealBlock(at, frameSize int) {
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

// settings appends SETTINGS. RFC 9113, section 6.5.
func (o *frames) settings(settings []http2.Setting) {
	o.frame(http2.FrameSettings, 0, 0, settingLen*len(settings))
	for _, s := range settings {
		o.buf = binary.BigEndian.AppendUint16(o.buf, uint16(s.ID))
		o.buf = binary.BigEndian.AppendUint32(o.buf, s.Val)
	}
}

// windowUpdate lets the peer send n bytes more, on a stream or, with id 0, on the
// connection.
func (o *frames) windowUpdate(id uint32, n int32) {
	o.frame(http2.FrameWindowUpdate, 0, id, 4)
	o.buf = binary.BigEndian.AppendUint32(o.buf, uint32(n))
}

// reset appends a RST_STREAM.
func (o *frames) reset(id uint32, code http2.ErrCode) {
	o.frame(http2.FrameRSTStream, 0, id, 4)
	o.buf = binary.BigEndian.AppendUint32(o.buf, uint32(code))
}

// ping appends a PING, or with flagAck the answer to one.
func (o *frames) ping(flags http2.Flags, data []byte) {
	o.frame(http2.FramePing, flags, 0, len(data))
	o.buf = append(o.buf, data...)
}

// goAway appends a GOAWAY.
func (o *frames) goAway(last uint32, code http2.ErrCode, debug string) {
	o.frame(http2.FrameGoAway, 0, 0, 8+len(debug))
	o.buf = binary.BigEndian.AppendUint32(o.buf, last)
	o.buf = binary.BigEndian.AppendUint32(o.buf, uint32(code))
	o.buf = append(o.buf, debug...)
}
