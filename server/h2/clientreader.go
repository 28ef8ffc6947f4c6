package h2

import (
	"encoding/binary"
	"fmt"
	"io"
	"runtime"

	"golang.org/x/net/http2"
)

// A clientReader reads and handles what the server sends. It belongs to the goroutine
// that run is called on, which calls its methods without the connection's mu.
type clientReader struct {
	c *ClientConn

	fieldReader
	in    input
	begun bool // the server's first frame has come
	ended int  // streams that have ended since it let others go first
}

// run reads until the connection ends, as a goroutine.
func (r *clientReader) run() {
	c := r.c
	need := 0
	for {
		err := r.in.fill(c.nc, need)
		if err == nil {
			need, err = r.handleBuffered()
		}
		for err == nil && r.ended == maxBatch {
			r.ended = 0
			runtime.Gosched()
			need, err = r.handleBuffered()
		}
		if err != nil {
			c.mu.Lock()
			c.fail(c.lost(err))
			c.mu.Unlock()
			break
		}
	}
	<-c.written
	c.nc.Close()
	r.in.release()
	close(c.done)
}

// lost is err, which has ended the reader, as those who wait are told it. The end of a
// connection is no end of a response.
func (c *ClientConn) lost(err error) error {
	c.mu.held()
	if _, ok := err.(connError); ok {
		return err
	}
	switch {
	case err == errWoken:
		return c.going // the time of breakOff is over
	case err == io.EOF:
		err = io.ErrUnexpectedEOF
		if e, ok := c.going.(goAwayError); ok {
			return fmt.Errorf("%w: %w", e, err)
		}
	}
	return fmt.Errorf("h2: the connection was lost: %w", err)
}

// handleBuffered handles the frames in the buffer, of which only whole ones are handled,
// until maxBatch streams have ended. It returns the size of the next as far as that is
// known. An error ends the connection.
func (r *clientReader) handleBuffered() (need int, err error) {
	for r.ended < maxBatch {
		p := r.in.bytes()
		if len(p) < frameHeaderLen {
			return frameHeaderLen, nil
		}
		f := parseFrame(p)
		if err := r.check(f); err != nil {
			return 0, err
		}
		n := frameHeaderLen + f.length
		if len(p) < n {
			return n, nil
		}
		f.payload = p[frameHeaderLen:n]
		err := r.resetOn(r.handle(f))
		r.in.skip(n)
		if err != nil {
			return 0, err
		}
	}
	return 0, nil
}

// check makes the checks that apply to all frames.
func (r *clientReader) check(f frame) error {
	if f.length > minFrameSize {
		return frameSizeError("the frame is larger than SETTINGS_MAX_FRAME_SIZE") // section 4.2
	}
	if !r.begun {
		if f.kind != http2.FrameSettings || f.flags.Has(flagAck) {
			// RFC 9113, section 3.4: the server's preface is a SETTINGS frame.
			return protocolError("the first frame is not SETTINGS")
		}
		r.begun = true
	}
	if r.block.id != 0 && (f.kind != http2.FrameContinuation || f.id != r.block.id) {
		return protocolError("a frame within a field block") // RFC 9113, section 4.3
	}
	return nil
}

// resetOn resets the stream of a stream error. It returns any other error, which ends
// the connection.
func (r *clientReader) resetOn(err error) error {
	e, ok := err.(streamError)
	if !ok {
		return err
	}
	c := r.c
	c.mu.Lock()
	defer c.mu.Unlock()
	if st := c.streams[e.id]; st != nil {
		c.reset(st, e.code, e)
	}
	return c.owe()
}

// handle handles a complete frame.
func (r *clientReader) handle(f frame) error {
	c := r.c
	switch f.kind {
	case http2.FrameHeaders:
		return r.handleHeaders(f)
	case http2.FrameContinuation:
		if r.block.id == 0 {
			return protocolError("CONTINUATION of nothing") // RFC 9113, section 6.10
		}
		return r.decode(f.payload, f.flags)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch f.kind {
	case http2.FrameData:
		return c.handleData(f)
	case http2.FrameSettings:
		return c.handleSettings(f)
	case http2.FrameWindowUpdate:
		return c.handleWindowUpdate(f)
	case http2.FramePing:
		return c.handlePing(f)
	case http2.FrameRSTStream:
		return c.handleReset(f)
	case http2.FrameGoAway:
		return c.handleGoAway(f)
	case http2.FramePushPromise:
		return protocolError("PUSH_PROMISE to a client that takes none") // RFC 9113, section 8.4
	}
	return c.waste() // RFC 9113, section 5.5: unknown types are ignored, and so is PRIORITY
}

// owe counts a frame that the server has caused. A server that does not read what it
// causes ends the connection.
func (c *ClientConn) owe() error {
	c.mu.held()
	c.out.owed++
	if c.out.owed > maxOwed {
		return connError{http2.ErrCodeEnhanceYourCalm, "too many answers that are not read"}
	}
	c.scheduleWrite()
	return nil
}

// opened returns the stream id, or, if it is open no more, what becomes of a frame on it. It
// locks mu.
func (c *ClientConn) opened(id uint32) (*clientStream, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.checkOpened(id); err != nil {
		return nil, err
	}
	if st := c.streams[id]; st != nil {
		return st, nil
	}
	return nil, c.late(id)
}

// checkOpened returns an error if the client has not opened the stream id. RFC 9113,
// section 5.1.
func (c *ClientConn) checkOpened(id uint32) error {
	if id%2 == 0 || id >= c.nextID {
		return protocolError("a frame on a stream that the client has not opened")
	}
	return nil
}

// late is what becomes of a frame on the stream id, which is open no more. RFC 9113,
// section 5.1: it may have been under way when the client reset it.
func (c *ClientConn) late(id uint32) error {
	if c.closed.how(id) == byEnd {
		return connError{http2.ErrCodeStreamClosed, "a frame on a stream that has ended"}
	}
	return c.waste()
}

// handleData handles a DATA frame. RFC 9113, section 6.1: all of the payload counts for
// the windows, padding included.
func (c *ClientConn) handleData(f frame) error {
	if err := c.checkOpened(f.id); err != nil {
		return err
	}
	if !c.in.take(f.length) {
		return connError{http2.ErrCodeFlowControl, "DATA beyond the window of the connection"}
	}
	// The windows of streams bound what is kept.
	if n := c.in.giveBack(f.length); n > 0 {
		c.out.windowUpdate(0, n)
		c.scheduleWrite()
	}
	p := f.payload
	if f.flags.Has(flagPadded) {
		switch {
		case len(p) == 0:
			return frameSizeError("padded DATA without the length of the padding")
		case int(p[0]) >= len(p):
			return protocolError("DATA with more padding than payload")
		}
		p = p[1 : len(p)-int(p[0])]
	}
	st := c.streams[f.id]
	if st == nil {
		return c.late(f.id)
	}
	end := f.flags.Has(flagEndStream)
	if err := st.takeData(f, p, end); err != nil {
		return err
	}
	switch {
	case end:
		return c.endBody(st)
	case len(p) == 0:
		return c.waste()
	}
	return nil
}

// handleWindowUpdate handles a WINDOW_UPDATE. RFC 9113, section 6.9.
func (c *ClientConn) handleWindowUpdate(f frame) error {
	if f.length != 4 {
		return frameSizeError("WINDOW_UPDATE that is not 4 bytes long")
	}
	n := int32(binary.BigEndian.Uint32(f.payload) & maxWindow)
	if f.id == 0 {
		if n == 0 {
			return protocolError("WINDOW_UPDATE of 0")
		}
		if !c.flow.add(n) {
			return connError{http2.ErrCodeFlowControl, "the window of the connection overflows"}
		}
		c.out.wakeWaiters()
		return nil
	}
	if err := c.checkOpened(f.id); err != nil {
		return err
	}
	st := c.streams[f.id]
	switch {
	case st == nil:
		return c.waste() // it was under way when the stream ended
	case n == 0:
		return streamError{f.id, http2.ErrCodeProtocol, "WINDOW_UPDATE of 0"}
	case !st.out.add(n):
		return streamError{f.id, http2.ErrCodeFlowControl, "the window of the stream overflows"}
	}
	st.sending.waiter.wake()
	return nil
}

// handlePing answers a PING, and takes up the answer to one. RFC 9113, section 6.7.
func (c *ClientConn) handlePing(f frame) error {
	if f.id != 0 {
		return protocolError("PING on a stream")
	}
	if f.length != 8 {
		return frameSizeError("PING that is not 8 bytes long")
	}
	if !f.flags.Has(flagAck) {
		c.out.ping(flagAck, f.payload)
		return c.owe()
	}
	data := binary.BigEndian.Uint64(f.payload)
	if answered := c.pings[data]; answered != nil {
		delete(c.pings, data)
		close(answered)
	}
	return nil
}

// handleReset ends a stream that the server wants no more of. RFC 9113, section 6.4.
func (c *ClientConn) handleReset(f frame) error {
	if err := c.checkOpened(f.id); err != nil {
		return err
	}
	if f.length != 4 {
		return frameSizeError("RST_STREAM that is not 4 bytes long")
	}
	st := c.streams[f.id]
	if st == nil {
		return c.waste() // it was under way when the stream ended
	}
	code := http2.ErrCode(binary.BigEndian.Uint32(f.payload))
	var err error = ResetError{Code: code, Remote: true}
	if code == http2.ErrCodeRefusedStream {
		err = unprocessed(err) // RFC 9113, section 8.7
	}
	c.close(st, err)
	return nil
}

// maxDebug is how much of a GOAWAY's debug data is kept.
const maxDebug = 200

// handleGoAway has streams begun no more, and closes those that the server will not
// process. RFC 9113, section 6.8.
func (c *ClientConn) handleGoAway(f frame) error {
	if f.id != 0 {
		return protocolError("GOAWAY on a stream")
	}
	if f.length < 8 {
		return frameSizeError("GOAWAY that is too short")
	}
	last := binary.BigEndian.Uint32(f.payload) & maxStreamID
	err := goAwayError{
		http2.ErrCode(binary.BigEndian.Uint32(f.payload[4:])),
		string(f.payload[8:min(f.length, 8+maxDebug)]),
	}
	for _, st := range c.streams {
		if st.id > last {
			c.close(st, unprocessed(err))
		}
	}
	c.leave(err)
	return nil
}
