package pushtest

import (
	"fmt"
	"slices"

	"golang.org/x/net/http2"
)

// The values that a connection begins with: RFC 9113, sections 6.5.2 and 6.9.2.
const (
	initialWindow = 65_535
	initialTable  = 4096
	minFrame      = 16 << 10
	maxWindow     = 1<<31 - 1
)

// inbound is what the server has to keep to. A change of SETTINGS that gives more holds when it is
// sent, one that takes away when it is acknowledged: between the two the server may do either.
type inbound struct {
	window       int64 // of the connection, what is left
	target       int64 // of the connection, when it is full
	streamWindow int64
	frame        uint32
	table        uint32 // the encoder's table, as large as the server may have it
	used         uint32 // as large as it said it has it
	mustShrink   bool   // the next block has to begin with a smaller table
	push         bool
	streams      int64
	list         int64 // MAX_HEADER_LIST_SIZE; 0 if none was told
}

// A change is a SETTINGS frame on its way.
type change struct {
	settings []http2.Setting
	done     chan struct{}
}

// Change sends a SETTINGS frame and waits until the server has acknowledged it. Its values are sent
// as they are, whatever [Settings] said.
//
// One frame at a time is on its way: RFC 9113, section 6.5.3, has each acknowledged, but net/http
// acknowledges those that it finds together with one ACK.
func (c *Client) Change(settings ...http2.Setting) error {
	c.mu.Lock()
	for c.change != nil && c.err == nil {
		before := c.change
		c.mu.Unlock()
		if err := c.acknowledgement(before); err != nil {
			return err
		}
		c.mu.Lock()
	}
	if c.err != nil {
		defer c.mu.Unlock()
		return c.err
	}
	ch := c.sendSettings(settings)
	c.mu.Unlock()
	return c.acknowledgement(ch)
}

// acknowledgement waits for that of a change.
func (c *Client) acknowledgement(ch *change) error {
	return c.await(ch.done, "acknowledgement of SETTINGS")
}

// sendSettings sends SETTINGS, while no others are on their way; mu is held.
func (c *Client) sendSettings(settings []http2.Setting) *change {
	c.change = &change{settings: slices.Clone(settings), done: make(chan struct{})}
	_ = c.write.WriteSettings(settings...)
	c.sent(Frame{Type: http2.FrameSettings, Length: 6 * len(settings), Settings: c.change.settings})
	c.apply(c.change, false)
	return c.change
}

// acknowledged takes the change that is on its way as accepted; mu is held.
func (c *Client) acknowledged() {
	ch := c.change
	if ch == nil {
		c.broken(0, http2.ErrCodeProtocol, "6.5.3", "it acknowledges SETTINGS that were not sent")
		return
	}
	c.change = nil
	c.apply(ch, true)
	close(ch.done)
}

// apply does what a change means: what it gives when it is sent, what it takes when it is
// acknowledged. mu is held.
func (c *Client) apply(ch *change, acknowledged bool) {
	for _, s := range ch.settings {
		v := int64(s.Val)
		switch s.ID {
		case http2.SettingEnablePush:
			if acknowledged || v == 1 {
				c.in.push = v == 1
			}
		case http2.SettingMaxConcurrentStreams:
			if acknowledged || v > c.in.streams {
				c.in.streams = v
			}
		case http2.SettingMaxHeaderListSize:
			if acknowledged {
				c.in.list = v
			}
		case http2.SettingMaxFrameSize:
			if acknowledged || s.Val > c.in.frame {
				c.in.frame = max(minFrame, s.Val)
			}
		case http2.SettingInitialWindowSize:
			c.applyWindow(v, acknowledged)
		case http2.SettingHeaderTableSize:
			c.applyTable(s.Val, acknowledged)
		}
	}
}

// applyWindow is apply for INITIAL_WINDOW_SIZE, which moves the windows of open streams too.
// RFC 9113, section 6.9.2.
func (c *Client) applyWindow(v int64, acknowledged bool) {
	if delta := v - c.in.streamWindow; acknowledged || delta > 0 {
		c.in.streamWindow = v
		for _, x := range c.exchanges {
			x.window += delta
		}
	}
}

// applyTable is apply for HEADER_TABLE_SIZE. A smaller table than the one in use is one that the
// server has to begin its next block with. RFC 7541, section 4.2.
func (c *Client) applyTable(v uint32, acknowledged bool) {
	if acknowledged || v > c.in.table {
		c.in.table = v
		c.decoder.SetAllowedMaxDynamicTableSize(v)
	}
	if acknowledged && v < c.in.used {
		c.in.mustShrink = true
	}
}

// take applies the server's SETTINGS and acknowledges them; mu is held.
func (c *Client) take(settings []http2.Setting) {
	for _, s := range settings {
		if err := s.Valid(); err != nil || s.ID == http2.SettingEnablePush && s.Val != 0 {
			// RFC 9113, section 6.5.2: a server that says ENABLE_PUSH says 0.
			c.broken(0, http2.ErrCodeProtocol, "6.5.2", fmt.Sprintf("it sets %v to %d", s.ID,
				s.Val))
			return
		}
		switch s.ID {
		case http2.SettingMaxConcurrentStreams:
			c.peer.streams = int64(s.Val)
		case http2.SettingMaxFrameSize:
			c.peer.frame = int(s.Val)
		case http2.SettingHeaderTableSize:
			c.encoder.SetMaxDynamicTableSizeLimit(s.Val)
			c.encoder.SetMaxDynamicTableSize(min(s.Val, initialTable))
		case http2.SettingInitialWindowSize:
			// RFC 9113, section 6.9.2: a change may make a window negative.
			delta := int64(s.Val) - c.peer.streamWindow
			c.peer.streamWindow = int64(s.Val)
			for _, x := range c.sending {
				x.peerWindow += delta
				if x.peerWindow > maxWindow {
					c.broken(x.ID, http2.ErrCodeFlowControl, "6.9.2",
						"its INITIAL_WINDOW_SIZE makes a window too large")
					return
				}
			}
		}
	}
	_ = c.write.WriteSettingsAck()
	c.sent(Frame{Type: http2.FrameSettings, Flags: http2.FlagSettingsAck})
	c.pump()
	c.beginWaiting()
}
