package pushtest

import (
	"fmt"
	"time"

	"golang.org/x/net/http2"
)

// readLoop reads frames until the connection ends.
func (c *Client) readLoop() {
	defer c.running.Done()
	if c.speaksHTTP1() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.fail(fmt.Errorf("%w: it answered with HTTP/1", ErrNotHTTP2))
		return
	}
	for c.readFrame() {
	}
}

// readFrame reads a frame and does what it means; it returns false if the connection is over.
func (c *Client) readFrame() bool {
	header, err := c.read.ReadFrameHeader()
	if err == nil {
		c.mu.Lock()
		large := header.Length > c.in.frame
		switch {
		case large && c.seen == 0:
			c.fail(fmt.Errorf("%w: what it says first is no frame", ErrNotHTTP2))
		case large:
			// RFC 9113, section 4.2.
			c.broken(header.StreamID, http2.ErrCodeFrameSize, "4.2",
				fmt.Sprintf("a %v frame of %d bytes, larger than MAX_FRAME_SIZE", header.Type,
					header.Length))
		}
		c.mu.Unlock()
		if large {
			return false
		}
	}
	var f http2.Frame
	if err == nil {
		f, err = c.read.ReadFrameForHeader(header)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return false
	}
	switch err := err.(type) {
	case nil:
		c.handle(f)
	case http2.ConnectionError:
		c.log(received(header))
		c.broken(header.StreamID, http2.ErrCode(err), "6", fmt.Sprintf("a malformed %v frame",
			header.Type))
	case http2.StreamError:
		c.log(received(header))
		c.violate(header.StreamID, err.Code, "6", fmt.Sprintf("a malformed %v frame", header.Type))
		if x := c.exchanges[err.StreamID]; x != nil {
			c.resetStream(x, err.Code)
		}
	default:
		if c.seen == 0 {
			err = fmt.Errorf("%w: perhaps the server speaks HTTP/1 only", err)
		}
		c.fail(fmt.Errorf("read: %w", err))
	}
	return c.err == nil
}

func received(h http2.FrameHeader) Frame {
	return Frame{Type: h.Type, Flags: h.Flags, Stream: h.StreamID, Length: int(h.Length)}
}

// handle logs a frame and does what it means; mu is held.
func (c *Client) handle(frame http2.Frame) {
	f := received(frame.Header())
	c.seen++
	if !c.inOrder(f) {
		return
	}
	switch frame := frame.(type) {
	case *http2.HeadersFrame:
		c.beginBlock(f, &block{stream: f.Stream, end: frame.StreamEnded()},
			frame.HeaderBlockFragment(), frame.HeadersEnded())
	case *http2.PushPromiseFrame:
		f.Promised = frame.PromiseID
		c.beginBlock(f, &block{stream: f.Stream, promise: true, promised: frame.PromiseID},
			frame.HeaderBlockFragment(), frame.HeadersEnded())
	case *http2.ContinuationFrame:
		if c.block == nil {
			c.log(f)
			c.broken(f.Stream, http2.ErrCodeProtocol, "6.10",
				"a CONTINUATION frame without a header block")
			return
		}
		c.moreBlock(f, frame.HeaderBlockFragment(), frame.HeadersEnded())
	case *http2.DataFrame:
		c.log(f)
		c.data(f, frame.Data())
	case *http2.SettingsFrame:
		c.settingsFrame(f, frame)
	case *http2.PingFrame:
		c.log(f)
		c.ping(frame)
	case *http2.GoAwayFrame:
		f.Last, f.Code, f.Debug = frame.LastStreamID, frame.ErrCode, string(frame.DebugData())
		c.log(f)
		c.goingAway(&GoAwayError{f.Last, f.Code, f.Debug})
	case *http2.WindowUpdateFrame:
		f.Window = frame.Increment
		c.log(f)
		c.windowUpdate(f)
	case *http2.RSTStreamFrame:
		f.Code = frame.ErrCode
		c.log(f)
		c.wasReset(f)
	case *http2.PriorityUpdateFrame:
		c.log(f)
		c.violate(f.Stream, http2.ErrCodeProtocol, "RFC 9218, section 7.1",
			"a server sends no PRIORITY_UPDATE")
	// RFC 9113, section 5.5: what is unknown is ignored; PRIORITY means nothing to a client
	default:
		c.log(f)
	}
}

// inOrder reports whether a frame may come at this point; if not, it ends the connection. mu is
// held.
func (c *Client) inOrder(f Frame) bool {
	if c.seen == 1 && (f.Type != http2.FrameSettings || f.Ack()) {
		c.log(f)
		c.broken(f.Stream, http2.ErrCodeProtocol, "3.4", "its first frame is not SETTINGS")
		return false
	}
	if c.block != nil && (f.Type != http2.FrameContinuation || f.Stream != c.block.stream) {
		c.log(f)
		c.broken(f.Stream, http2.ErrCodeProtocol, "6.10",
			fmt.Sprintf("a %v frame within a header block", f.Type))
		return false
	}
	return true
}

// settingsFrame logs SETTINGS and does what they mean; mu is held.
func (c *Client) settingsFrame(f Frame, frame *http2.SettingsFrame) {
	if frame.IsAck() {
		c.log(f)
		c.acknowledged()
		return
	}
	for i := range frame.NumSettings() {
		f.Settings = append(f.Settings, frame.Setting(i))
	}
	c.log(f)
	c.take(f.Settings)
	if c.seen == 1 && c.err == nil {
		close(c.ready)
	}
}

// stream finds the exchange of a frame that belongs to one. RFC 9113, section 5.1: on a stream that
// is idle only HEADERS can come, and not even they from a server. mu is held.
func (c *Client) stream(f Frame) *Exchange {
	x := c.exchanges[f.Stream]
	if x == nil && !c.forgotten(f.Stream) {
		c.broken(f.Stream, http2.ErrCodeProtocol, "5.1", fmt.Sprintf("a %v frame on an idle stream",
			f.Type))
	}
	return x
}

// forgotten reports whether a stream was promised, though the client kept nothing of it; mu is
// held.
func (c *Client) forgotten(stream uint32) bool {
	return stream%2 == 0 && stream <= c.promised && stream != 0
}

func (c *Client) data(f Frame, data []byte) {
	n := int64(f.Length)
	if c.in.window -= n; c.in.window < 0 {
		c.broken(f.Stream, http2.ErrCodeFlowControl, "6.9",
			fmt.Sprintf("%d bytes more than the window of the connection", -c.in.window))
		return
	}
	if used := c.in.target - c.in.window; !c.settings.Hold && used >= c.in.target/2 && used > 0 {
		c.in.window += used
		c.sendUpdate(0, used)
	}
	x := c.stream(f)
	if x == nil || x.reset {
		return // it was on its way when the client reset the stream
	}
	switch {
	case x.remoteDone:
		c.broken(f.Stream, http2.ErrCodeStreamClosed, "5.1", "DATA after the end of the stream")
		return
	case x.Status == 0:
		c.malformed(x, "8.1", "DATA before the final response")
		return
	}
	if x.window -= n; x.window < 0 {
		c.violate(f.Stream, http2.ErrCodeFlowControl, "6.9",
			fmt.Sprintf("%d bytes more than the window of the stream", -x.window))
		c.resetStream(x, http2.ErrCodeFlowControl)
		return
	}
	if len(data) > 0 {
		if x.Size == 0 {
			x.Data = time.Since(c.began)
		}
		x.Size += int64(len(data))
		keep := data[:min(len(data), c.settings.MaxBody-c.kept)]
		c.kept += len(keep)
		x.Body = append(x.Body, keep...)
		if bodiless(x) {
			c.malformed(x, "8.1.1", "a response that has no content has DATA")
			return
		}
	}
	if f.EndStream() {
		c.finish(x)
		return
	}
	if used := c.in.streamWindow - x.window; !c.settings.Hold && used > 0 &&
		used >= c.in.streamWindow/2 {
		x.window += used
		c.sendUpdate(x.ID, used)
	}
}

func (c *Client) ping(f *http2.PingFrame) {
	if !f.IsAck() {
		_ = c.write.WritePing(true, f.Data)
		c.sent(Frame{Type: http2.FramePing, Flags: http2.FlagPingAck, Length: 8})
		return
	}
	answered, ok := c.pings[f.Data]
	if !ok {
		c.violate(0, http2.ErrCodeProtocol, "6.7", "it answers a PING that was not sent")
		return
	}
	delete(c.pings, f.Data)
	close(answered)
}

func (c *Client) goingAway(g *GoAwayError) {
	if c.goAway != nil && g.Last > c.goAway.Last {
		c.violate(0, http2.ErrCodeProtocol, "6.8", "a second GOAWAY has a higher last stream")
	}
	c.goAway = g
	for _, x := range c.waiting {
		c.end(x, g)
	}
	c.waiting = nil
	for _, x := range c.exchanges {
		if x.Page == nil && x.ID > g.Last {
			c.closeStream(x, g)
		}
	}
}

func (c *Client) windowUpdate(f Frame) {
	window := &c.peer.window
	if f.Stream != 0 {
		x := c.stream(f)
		if x == nil {
			return
		}
		if x.Page != nil && !x.begun && !x.reset {
			// RFC 9113, section 5.1: the server reserved it, and receives nothing there.
			c.broken(f.Stream, http2.ErrCodeProtocol, "5.1",
				"WINDOW_UPDATE on a stream that it promised")
			return
		}
		window = &x.peerWindow
	}
	if *window += int64(f.Window); *window > maxWindow {
		c.broken(f.Stream, http2.ErrCodeFlowControl, "6.9.1",
			"it makes a window larger than 2^31-1")
		return
	}
	c.pump()
}

func (c *Client) wasReset(f Frame) {
	x := c.stream(f)
	if x == nil || x.reset {
		return
	}
	c.closeStream(x, &ResetError{Stream: x.ID, Code: f.Code})
}

// finish ends an exchange whose response is whole; mu is held.
func (c *Client) finish(x *Exchange) {
	x.remoteDone = true
	if x.Page != nil {
		c.pushing--
	}
	if reason := wrongLength(x); reason != "" {
		c.violate(x.ID, http2.ErrCodeProtocol, "8.1.1", reason)
		c.end(x, fmt.Errorf("the response is malformed: %s", reason))
	}
	c.end(x, nil)
	if x.Page == nil && !x.localDone {
		// RFC 9113, section 8.1: the server answered without the rest of the request; nobody needs
		// it.
		_ = c.write.WriteRSTStream(x.ID, http2.ErrCodeNo)
		c.sent(Frame{Type: http2.FrameRSTStream, Stream: x.ID, Length: 4, Code: http2.ErrCodeNo})
		x.reset = true
	}
	c.settle(x)
}
