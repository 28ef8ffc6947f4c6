package h2

import (
	"encoding/binary"

	"golang.org/x/net/http2"
)

// frameHeaderLen is the length of what each frame begins with. RFC 9113, section
// 4.1.
const frameHeaderLen = 9

// Types and flags that x/net's package has no name for, or too long ones.
const (
	framePriorityUpdate http2.FrameType = 0x10 // RFC 9218, section 7.1
	flagEndStream                       = http2.FlagDataEndStream
	flagEndHeaders                      = http2.FlagHeadersEndHeaders
	flagPadded                          = http2.FlagDataPadded
	flagPriority                        = http2.FlagHeadersPriority
	flagAck                             = http2.FlagSettingsAck
)

// A frame is a frame from the peer. Its payload is valid while it is handled.
type frame struct {
	length  int
	kind    http2.FrameType
	flags   http2.Flags
	id      uint32
	payload []byte
}

// parseFrame parses the header of a frame, which p begins with, into a frame without
// its payload. RFC 9113, section 4.1.
func parseFrame(p []byte) frame {
	_ = p[frameHeaderLen-1]
	return frame{
		length: int(p[0])<<16 | int(p[1])<<8 | int(p[2]),
		kind:   http2.FrameType(p[3]),
		flags:  http2.Flags(p[4]),
		id:     binary.BigEndian.Uint32(p[5:]) & maxStreamID,
	}
}

// appendFrame appends the header of a frame. RFC 9113, section 4.1.
func appendFrame(
	dst []byte, kind http2.FrameType, flags http2.Flags, id uint32, length int,
) []byte {
	return append(dst, byte(length>>16), byte(length>>8), byte(length), byte(kind), byte(flags),
		byte(id>>24), byte(id>>16), byte(id>>8), byte(id))
}

// handle handles a frame that is neither DATA nor part of a header block. What it
// answers is put into the output, not written.
func (c *conn) handle(f frame) error {
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

// handlePing answers a PING, and takes up the answer to one. RFC 9113, section 6.7.
func (c *conn) handlePing(f frame) error {
	if f.id != 0 {
		return protocolError("PING on a stream")
	}
	if f.length != 8 {
		return frameSizeError("PING that is not 8 bytes long")
	}
	if f.flags.Has(flagAck) {
		c.handlePong([8]byte(f.payload))
		return nil
	}
	c.out.ping(flagAck, f.payload)
	return nil
}

// handleReset ends a stream that the client wants no more of. RFC 9113, section
// 6.4.
func (c *conn) handleReset(f frame) error {
	if f.id == 0 || c.streams.idle(f.id) {
		return protocolError("RST_STREAM on an idle stream")
	}
	if f.length != 4 {
		return frameSizeError("RST_STREAM that is not 4 bytes long")
	}
	reset := ResetError{Code: http2.ErrCode(binary.BigEndian.Uint32(f.payload)), Remote: true}
	st := c.streams.open[f.id]
	if st == nil {
		// It was under way when the stream ended; or it is about a promise that was
		// sent whole.
		c.rejected(f.id, reset)
		return nil
	}
	// Rapid Reset, CVE-2023-44487: opening and resetting is the dearest that a
	// client can do.
	if !c.spend(costReset - costFrame) {
		return errFlood
	}
	c.close(st, reset)
	return nil
}

// handlePriority checks a PRIORITY frame and forgets it. RFC 9113, section 5.3.2:
// the scheme is deprecated; the server's SETTINGS say so too (RFC 9218, section
// 2.1).
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
	return nil
}

// handleGoAway begins the end that the client asks for: it takes no promises any
// more, and gets what it has asked for before. RFC 9113, section 6.8.
func (c *conn) handleGoAway(f frame) error {
	if f.id != 0 {
		return protocolError("GOAWAY on a stream")
	}
	if f.length < 8 {
		return frameSizeError("GOAWAY that is too short")
	}
	c.client.push = false // "Receivers of a GOAWAY frame MUST NOT open additional streams"
	c.shutdown()
	return nil
}
