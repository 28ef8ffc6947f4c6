package h2

import (
	"encoding/binary"

	"golang.org/x/net/http2"
)

const (
	settingConnectProtocol http2.SettingID = 0x8 // RFC 8441, section 3
	settingNoOldPriorities http2.SettingID = 0x9 // RFC 9218, section 2.1
	maxSettings                            = 64
	settingLen                             = 6
)

// sendSettings sends the server's preface: SETTINGS, and the window of the connection, which they
// cannot say. mu is held.
func (c *conn) sendSettings() {
	settings := []http2.Setting{
		{ID: http2.SettingMaxConcurrentStreams, Val: uint32(c.lim.streams)},
		{ID: http2.SettingInitialWindowSize, Val: uint32(c.lim.streamWindow)},
		{ID: http2.SettingMaxHeaderListSize, Val: uint32(c.lim.headerBytes)},
		{ID: settingNoOldPriorities, Val: 1},
	}
	if c.lim.frameSize != minFrameSize {
		settings = append(settings, http2.Setting{ID: http2.SettingMaxFrameSize, Val: uint32(c.lim.frameSize)})
	}
	if c.lim.decoderTable != defaultTableSize {
		settings = append(settings, http2.Setting{ID: http2.SettingHeaderTableSize, Val: c.lim.decoderTable})
	}
	if c.lim.extendedConnect {
		settings = append(settings, http2.Setting{ID: settingConnectProtocol, Val: 1})
	}
	out := appendFrame(c.outBuffer(), http2.FrameSettings, 0, 0, settingLen*len(settings))
	for _, s := range settings {
		out = binary.BigEndian.AppendUint16(out, uint16(s.ID))
		out = binary.BigEndian.AppendUint32(out, s.Val)
	}
	c.out = out
	c.unacked++
	if more := c.lim.connWindow - defaultWindow; more > 0 {
		c.received.size += more
		c.received.avail += more
		c.sendWindowUpdate(0, more)
	}
}

// handleSettings applies the client's SETTINGS, in their order, and acknowledges them.
// RFC 9113, section 6.5.
func (c *conn) handleSettings(f frame) error {
	if f.id != 0 {
		return protocolError("SETTINGS on a stream")
	}
	if f.flags.Has(flagAck) {
		if f.length != 0 {
			return frameSizeError("SETTINGS that acknowledge and set")
		}
		if c.unacked == 0 {
			return protocolError("an acknowledgement of no SETTINGS")
		}
		c.unacked--
		return nil
	}
	if f.length%settingLen != 0 {
		return frameSizeError("SETTINGS that end within one")
	}
	if f.length > maxSettings*settingLen {
		return connError{http2.ErrCodeEnhanceYourCalm, "too many SETTINGS in a frame"}
	}
	if !c.settled {
		c.settled = true
		c.headerBy = 0
	}
	for p := f.payload; len(p) > 0; p = p[settingLen:] {
		s := http2.Setting{ID: http2.SettingID(binary.BigEndian.Uint16(p)), Val: binary.BigEndian.Uint32(p[2:])}
		if err := c.apply(s); err != nil {
			return err
		}
	}
	c.out = appendFrame(c.outBuffer(), http2.FrameSettings, flagAck, 0, 0)
	return nil
}

// apply applies one of the client's SETTINGS. RFC 9113, section 6.5.2.
func (c *conn) apply(s http2.Setting) error {
	switch s.ID {
	case http2.SettingHeaderTableSize:
		c.encoder.resize(s.Val)
	case http2.SettingEnablePush:
		if s.Val > 1 {
			return protocolError("SETTINGS_ENABLE_PUSH that is neither 0 nor 1")
		}
		c.peerPush = s.Val == 1
	case http2.SettingMaxConcurrentStreams:
		c.peerStreams = s.Val
	case http2.SettingInitialWindowSize:
		if s.Val > maxWindow {
			return connError{http2.ErrCodeFlowControl, "SETTINGS_INITIAL_WINDOW_SIZE that is too large"}
		}
		return c.resizeWindows(int32(s.Val))
	case http2.SettingMaxFrameSize:
		if s.Val < minFrameSize || s.Val > maxFrameSize {
			return protocolError("SETTINGS_MAX_FRAME_SIZE out of its range")
		}
		c.peerFrameSize = int(s.Val)
	case settingConnectProtocol, settingNoOldPriorities:
		// RFC 8441, section 3; RFC 9218, section 2.1.
		if s.Val > 1 {
			return protocolError("a setting that is neither 0 nor 1")
		}
	}
	return nil
}
