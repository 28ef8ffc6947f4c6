package h2

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/net/http2"
)

const frameHeaderLen = 9

// read handles what the client sends until the connection ends. All frames that one read brought are
// handled before their requests are handed to workers, at once.
func (c *conn) read() error {
	for {
		need, err := c.handleBuffered()
		if err != nil {
			c.dispatch()
			return err
		}
		if over := c.dispatch(); over {
			return nil
		}
		if err := c.in.fill(c.nc, need); err != nil && err != errNudged {
			return err
		}
		c.heard.Store(c.now())
	}
}

// handleBuffered handles the frames in the buffer. It returns how many bytes the next one has; its
// error ends the connection.
func (c *conn) handleBuffered() (need int, err error) {
	for {
		p := c.in.bytes()
		if c.body.active {
			if len(p) == 0 && c.body.left+c.body.pad > 0 {
				return 0, nil
			}
			n, err := c.handleBody(p)
			c.in.skip(n)
			if err := c.survive(err); err != nil {
				return 0, err
			}
			continue
		}
		if len(p) < frameHeaderLen {
			return frameHeaderLen, nil
		}
		f := frame{
			length: int(p[0])<<16 | int(p[1])<<8 | int(p[2]),
			kind:   http2.FrameType(p[3]),
			flags:  http2.Flags(p[4]),
			id:     binary.BigEndian.Uint32(p[5:]) & maxStreamID,
		}
		if err := c.admit(f); err != nil {
			return 0, err
		}
		if f.kind == http2.FrameData {
			c.in.skip(frameHeaderLen)
			if err := c.survive(c.beginBody(f)); err != nil {
				return 0, err
			}
			continue
		}
		if len(p) < frameHeaderLen+f.length {
			return frameHeaderLen + f.length, nil
		}
		f.payload = p[frameHeaderLen : frameHeaderLen+f.length]
		err := c.survive(c.handle(f))
		c.in.skip(frameHeaderLen + f.length)
		if err != nil {
			return 0, err
		}
	}
}

// survive resets the stream that err is about, and returns err if it is about the connection.
func (c *conn) survive(err error) error {
	s, ok := err.(streamError)
	if !ok {
		return err
	}
	c.count("stream", s.code, s.reason)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reset(s.id, s.code)
	// MadeYouReset: a reset that the client provokes costs what one that it sends does.
	cost := costReset
	if s.code == http2.ErrCodeRefusedStream && c.unacked > 0 {
		cost = costFrame // it could not know the limit yet
	}
	if !c.spend(cost) {
		return errFlood
	}
	return nil
}

// A frame is a frame from the client. Its payload is valid while it is handled.
type frame struct {
	length  int
	kind    http2.FrameType
	flags   http2.Flags
	id      uint32
	payload []byte
}

const (
	framePriorityUpdate http2.FrameType = 0x10 // RFC 9218, section 7.1
	flagEndStream                       = http2.FlagDataEndStream
	flagEndHeaders                      = http2.FlagHeadersEndHeaders
	flagPadded                          = http2.FlagDataPadded
	flagPriority                        = http2.FlagHeadersPriority
	flagAck                             = http2.FlagSettingsAck
)

// admit checks what holds for frames of all types.
func (c *conn) admit(f frame) error {
	if f.length > c.lim.frameSize {
		return frameSizeError("the frame is larger than SETTINGS_MAX_FRAME_SIZE")
	}
	if !c.settled && (f.kind != http2.FrameSettings || f.flags.Has(flagAck)) {
		// RFC 9113, section 3.4: the preface ends with a SETTINGS frame.
		return protocolError("the first frame is not SETTINGS")
	}
	if c.block.id != 0 && (f.kind != http2.FrameContinuation || f.id != c.block.id) {
		// RFC 9113, section 4.3.
		return protocolError("a frame within a field block")
	}
	return nil
}

// handle handles a frame other than DATA.
func (c *conn) handle(f frame) error {
	switch f.kind {
	case http2.FrameHeaders:
		return c.handleHeaders(f)
	case http2.FrameContinuation:
		return c.handleContinuation(f)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.spend(costFrame) {
		return errFlood
	}
	switch f.kind {
	case http2.FrameSettings:
		return c.handleSettings(f)
	case http2.FrameWindowUpdate:
		return c.handleWindowUpdate(f)
	case http2.FramePing:
		return c.handlePing(f)
	case http2.FrameRSTStream:
		return c.handleReset(f)
	case http2.FramePriority:
		return c.handlePriority(f)
	case framePriorityUpdate:
		return c.handlePriorityUpdate(f)
	case http2.FrameGoAway:
		return c.handleGoAway(f)
	case http2.FramePushPromise:
		// RFC 9113, section 8.4: a client cannot push.
		return protocolError("PUSH_PROMISE from a client")
	}
	return nil // RFC 9113, section 5.5: unknown types are ignored
}

func (c *conn) handlePing(f frame) error {
	if f.id != 0 {
		return protocolError("PING on a stream")
	}
	if f.length != 8 {
		return frameSizeError("PING that is not 8 bytes long")
	}
	if f.flags.Has(flagAck) {
		c.pong([8]byte(f.payload))
		return nil
	}
	c.out = appendFrame(c.outBuffer(), http2.FramePing, flagAck, 0, 8)
	c.out = append(c.out, f.payload...)
	return nil
}

func (c *conn) handleReset(f frame) error {
	if f.id == 0 || c.idle(f.id) {
		return protocolError("RST_STREAM on an idle stream")
	}
	if f.length != 4 {
		return frameSizeError("RST_STREAM that is not 4 bytes long")
	}
	st := c.streams[f.id]
	if st == nil {
		c.unwanted(f.id, ResetError{Code: http2.ErrCode(binary.BigEndian.Uint32(f.payload)), Remote: true})
		return nil
	}
	if !c.spend(costReset - costFrame) {
		return errFlood
	}
	c.close(st, ResetError{Code: http2.ErrCode(binary.BigEndian.Uint32(f.payload)), Remote: true})
	return nil
}

func (c *conn) handlePriority(f frame) error {
	if f.id == 0 {
		return protocolError("PRIORITY without a stream")
	}
	if f.length != 5 {
		return streamError{f.id, http2.ErrCodeFrameSize, "PRIORITY that is not 5 bytes long"}
	}
	if binary.BigEndian.Uint32(f.payload)&maxStreamID == f.id {
		return streamError{f.id, http2.ErrCodeProtocol, "a stream that depends on itself"}
	}
	return nil // RFC 9113, section 5.3.2: the scheme is deprecated
}

func (c *conn) handleGoAway(f frame) error {
	if f.id != 0 {
		return protocolError("GOAWAY on a stream")
	}
	if f.length < 8 {
		return frameSizeError("GOAWAY that is too short")
	}
	c.peerPush = false // RFC 9113, section 6.8: no new streams
	c.shutdown()
	return nil
}

// idle says if no stream id has been opened or promised yet.
func (c *conn) idle(id uint32) bool {
	if id%2 == 0 {
		return id > c.promised
	}
	return id > c.lastID
}

// The sizes of an input's buffers: one for requests, and one for more.
const (
	smallInput = 2 << 10
	largeInput = 32 << 10
)

// An input is what was read and is not yet handled. It has the large buffer only while the client
// sends more than the small one holds; if the client falls silent then, the clock has it given back.
type input struct {
	buf   []byte
	r, w  int // buf[r:w] is unread
	last  int // how much the last read brought
	large *[]byte
	wide  atomic.Bool // large is there
	small [smallInput]byte
}

var largeInputs = sync.Pool{New: func() any { b := make([]byte, largeInput); return &b }}

func (in *input) bytes() []byte { return in.buf[in.r:in.w] }
func (in *input) skip(n int)    { in.r += n }

// fill reads more, at least a byte. need is the size of the frame that has begun, which has to fit.
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
		nc.SetReadDeadline(time.Time{})
		return errNudged
	}
	return err
}

// errNudged says that somebody wants the reader to look up: the connection is over, or the large buffer
// is to be given back.
var errNudged = errors.New("h2: the reader was nudged")

// nudge has the reader's fill return errNudged.
func (c *conn) nudge() {
	if c.nc.SetReadDeadline(time.Unix(1, 0)) != nil {
		c.raw.Close()
	}
}

func (in *input) makeRoom(need int) {
	rest := in.w - in.r
	switch {
	case rest == 0 && in.last < smallInput/2:
		in.narrow()
	case in.large == nil:
		in.large = largeInputs.Get().(*[]byte)
		in.wide.Store(true)
		in.w = copy(*in.large, in.bytes())
		in.buf, in.r = *in.large, 0
	case rest == 0 || len(in.buf)-in.r < max(need, largeInput/2):
		in.w = copy(in.buf, in.bytes())
		in.r = 0
	}
	if need > len(in.buf) {
		grown := make([]byte, need)
		in.w = copy(grown, in.bytes())
		in.r = 0
		in.release()
		in.large, in.buf = &grown, grown
		in.wide.Store(true)
	}
}

// narrow goes on with the small buffer.
func (in *input) narrow() {
	in.release()
	in.buf, in.r, in.w = in.small[:], 0, 0
}

func (in *input) release() {
	if in.large != nil {
		if len(*in.large) == largeInput {
			largeInputs.Put(in.large)
		}
		in.large = nil
		in.wide.Store(false)
	}
}
