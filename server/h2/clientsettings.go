package h2

import (
	"encoding/binary"

	"golang.org/x/net/http2"
)

// serverSettings are the server's SETTINGS. RFC 9113, section 6.5.2.
type serverSettings struct {
	come            bool
	acknowledged    bool // it has acknowledged those of the client
	frameSize       int
	window          int32
	streams         uint32
	extendedConnect bool
}

// assumedStreams is how many streams are opened before the server says how many may be.
// RFC 9113, section 6.5.2: "It is recommended that this value be no smaller than 100".
const assumedStreams = 100

// handleSettings applies the server's SETTINGS, in their order, and acknowledges them.
// RFC 9113, sections 6.5 and 6.5.3.
func (c *ClientConn) handleSettings(f frame) error {
	if f.id != 0 {
		return protocolError("SETTINGS on a stream")
	}
	if f.flags.Has(flagAck) {
		switch {
		case f.length != 0:
			return frameSizeError("SETTINGS that acknowledge and set")
		case c.peer.acknowledged:
			return protocolError("an acknowledgement of no SETTINGS")
		}
		c.peer.acknowledged = true
		return nil
	}
	if f.length%settingLen != 0 {
		return frameSizeError("SETTINGS that end within one")
	}
	if !c.peer.come {
		c.peer.streams = 1<<32 - 1 // unless they say otherwise
	}
	window := windowChange{last: c.peer.window}
	for p := f.payload; len(p) > 0; p = p[settingLen:] {
		id, value := http2.SettingID(binary.BigEndian.Uint16(p)), binary.BigEndian.Uint32(p[2:])
		if id == http2.SettingInitialWindowSize && value <= maxWindow {
			window.add(int32(value))
		} else if err := c.applySetting(id, value); err != nil {
			return err
		}
	}
	if err := c.resizeWindows(window); err != nil {
		return err
	}
	if !c.peer.come {
		c.peer.come = true
		close(c.settled)
	}
	c.admit()
	c.out.frame(http2.FrameSettings, flagAck, 0, 0)
	return c.owe()
}

// applySetting applies one of the server's SETTINGS. RFC 9113, section 6.5.2.
func (c *ClientConn) applySetting(id http2.SettingID, value uint32) error {
	switch id {
	case http2.SettingInitialWindowSize:
		return connError{http2.ErrCodeFlowControl, "INITIAL_WINDOW_SIZE that is too large"}
	case http2.SettingHeaderTableSize:
		c.encoder.resize(value)
	case http2.SettingEnablePush:
		if value != 0 {
			return protocolError("SETTINGS_ENABLE_PUSH of a server")
		}
	case http2.SettingMaxConcurrentStreams:
		c.peer.streams = value
	case http2.SettingMaxFrameSize:
		if value < minFrameSize || value > maxFrameSize {
			return protocolError("SETTINGS_MAX_FRAME_SIZE out of its range")
		}
		c.peer.frameSize = int(value)
	case settingConnectProtocol:
		// RFC 8441, section 3: a server must not take it back.
		if value > 1 || value == 0 && c.peer.extendedConnect {
			return protocolError("SETTINGS_ENABLE_CONNECT_PROTOCOL that is not 1")
		}
		c.peer.extendedConnect = value == 1
	}
	return nil // RFC 9113, section 6.5.2: those that nobody knows are ignored
}

// resizeWindows applies a new SETTINGS_INITIAL_WINDOW_SIZE to all streams. RFC 9113,
// section 6.9.2.
func (c *ClientConn) resizeWindows(w windowChange) error {
	if !w.some {
		return nil
	}
	old := c.peer.window
	c.peer.window = w.last
	for _, st := range c.streams {
		if int64(st.out.n)+int64(w.largest)-int64(old) > maxWindow {
			return connError{http2.ErrCodeFlowControl, "INITIAL_WINDOW_SIZE lets a window overflow"}
		}
		st.out.add(w.last - old)
		st.sending.waiter.wake()
	}
	return nil
}
