package h2

import (
	"encoding/binary"
	"math"

	"golang.org/x/net/http2"
)

// What holds before any SETTINGS, and the bounds of them. RFC 9113, section 6.5.2.
const (
	defaultWindow    = 65535
	defaultTableSize = 4096
	minFrameSize     = 16 << 10
	maxFrameSize     = 1<<24 - 1
	maxWindow        = math.MaxInt32
	maxStreamID      = math.MaxInt32
)

const (
	settingConnectProtocol http2.SettingID = 0x8 // RFC 8441, section 3
	settingNoOldPriorities http2.SettingID = 0x9 // RFC 9218, section 2.1
	settingLen                             = 6   // bytes in a SETTINGS frame

	// maxSettings is how many a frame may have. There are six that mean something.
	maxSettings = 64
)

// clientSettings are the client's SETTINGS, and what else it says of how it wants
// to be served. conn.mu guards them.
type clientSettings struct {
	frameSize int    // the largest payload that it takes
	window    int32  // what the window of a new stream is
	streams   uint32 // how many promised streams it allows at once
	push      bool   // it takes promises, and has not said GOAWAY
	unacked   int    // SETTINGS of the server that it has not acknowledged

	priorities bool                // it uses those of RFC 9218
	early      map[uint32]priority // of streams that it has not opened yet, at most maxEarly
}

// sendSettings sends the server's preface: SETTINGS, and a WINDOW_UPDATE for the
// connection, whose window SETTINGS cannot change. RFC 9113, sections 3.4 and
// 6.9.2.
func (c *conn) sendSettings() {
	settings := []http2.Setting{
		{ID: http2.SettingMaxConcurrentStreams, Val: uint32(c.lim.streams)},
		{ID: http2.SettingInitialWindowSize, Val: uint32(c.lim.streamWindow)},
		{ID: http2.SettingMaxHeaderListSize, Val: uint32(c.lim.headerBytes)},
		{ID: settingNoOldPriorities, Val: 1},
	}
	set := func(id http2.SettingID, value uint32) {
		settings = append(settings, http2.Setting{ID: id, Val: value})
	}
	if c.lim.frameSize != minFrameSize {
		set(http2.SettingMaxFrameSize, uint32(c.lim.frameSize))
	}
	if c.lim.decoderTable != defaultTableSize {
		set(http2.SettingHeaderTableSize, c.lim.decoderTable)
	}
	if c.lim.extendedConnect {
		set(settingConnectProtocol, 1)
	}
	c.out.settings(settings)
	// They are enforced at once, as by x/net's server. Until the client has
	// acknowledged them, a refused stream costs it less: see resetOn.
	c.client.unacked++
	if more := c.lim.connWindow - defaultWindow; more > 0 {
		c.flow.in.grow(more)
		c.out.windowUpdate(0, more)
	}
}

// handleSettings applies the client's SETTINGS, in their order, and acknowledges
// them. RFC 9113, sections 6.5 and 6.5.3.
func (c *conn) handleSettings(f frame) error {
	if f.id != 0 {
		return protocolError("SETTINGS on a stream")
	}
	if f.flags.Has(flagAck) {
		if f.length != 0 {
			return frameSizeError("SETTINGS that acknowledge and set")
		}
		if c.client.unacked == 0 {
			return protocolError("an acknowledgement of no SETTINGS")
		}
		c.client.unacked--
		return nil
	}
	if f.length%settingLen != 0 {
		return frameSizeError("SETTINGS that end within one")
	}
	if f.length > maxSettings*settingLen {
		return connError{http2.ErrCodeEnhanceYourCalm, "too many SETTINGS in a frame"}
	}
	if more := f.length/settingLen - 1; more > 0 && !c.spend(more*costFrame) {
		return errFlood
	}
	c.clock.headerBy = 0 // they end the preface, and never come within a header
	// RFC 9113, section 6.5.3: "processed in the order they appear", also if one
	// comes twice.
	window := windowChange{last: c.client.window}
	for p := f.payload; len(p) > 0; p = p[settingLen:] {
		id, value := http2.SettingID(binary.BigEndian.Uint16(p)), binary.BigEndian.Uint32(p[2:])
		if id == http2.SettingInitialWindowSize {
			if value > maxWindow {
				return connError{http2.ErrCodeFlowControl, "INITIAL_WINDOW_SIZE that is too large"}
			}
			window.add(int32(value))
			continue
		}
		if err := c.applySetting(id, value); err != nil {
			return err
		}
	}
	if err := c.resizeWindows(window); err != nil {
		return err
	}
	c.out.frame(http2.FrameSettings, flagAck, 0, 0)
	return nil
}

// applySetting applies one of the client's SETTINGS. RFC 9113, section 6.5.2.
func (c *conn) applySetting(id http2.SettingID, value uint32) error {
	switch id {
	case http2.SettingHeaderTableSize:
		c.encoder.resize(value)
	case http2.SettingEnablePush:
		// A client may change its mind at any time, both ways.
		if value > 1 {
			return protocolError("SETTINGS_ENABLE_PUSH that is neither 0 nor 1")
		}
		c.client.push = value == 1
	case http2.SettingMaxConcurrentStreams:
		// Promises that are open already stay so: RFC 9113, section 5.1.2.
		c.client.streams = value
	case http2.SettingMaxFrameSize:
		if value < minFrameSize || value > maxFrameSize {
			return protocolError("SETTINGS_MAX_FRAME_SIZE out of its range")
		}
		c.client.frameSize = int(value)
	case settingConnectProtocol, settingNoOldPriorities:
		// RFC 8441, section 3; RFC 9218, section 2.1.
		if value > 1 {
			return protocolError("a setting that is neither 0 nor 1")
		}
	}
	return nil // RFC 9113, section 6.5.2: those that nobody knows are ignored
}
