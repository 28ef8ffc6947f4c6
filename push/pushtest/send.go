package pushtest

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

const noLimit = math.MaxInt64

var errTooMany = fmt.Errorf("%d requests wait for the server's limit of streams already",
	maxWaiting)

// outbound is what the server said with SETTINGS, and the window of the connection towards it.
type outbound struct {
	window       int64
	streamWindow int64
	frame        int
	streams      int64
}

// begin opens a stream for x and sends as much as the windows allow; mu is held.
func (c *Client) begin(x *Exchange) {
	if c.next > math.MaxInt32 {
		c.end(x, errors.New("the connection has no stream identifiers left"))
		return
	}
	x.ID = c.next
	c.next += 2
	c.open++
	c.exchanges[x.ID] = x
	x.window, x.peerWindow = c.in.streamWindow, c.peer.streamWindow
	x.Began = time.Since(c.began)
	r := &x.Request
	fields := []hpack.HeaderField{{Name: ":method", Value: r.Method}}
	if r.Method != "CONNECT" {
		fields = append(fields, hpack.HeaderField{Name: ":scheme", Value: r.Scheme})
	}
	fields = append(fields, hpack.HeaderField{Name: ":authority", Value: r.Authority})
	if r.Method != "CONNECT" {
		fields = append(fields, hpack.HeaderField{Name: ":path", Value: r.Target})
	}
	fields = appendFields(fields, r.Header)
	x.localDone = len(x.rest) == 0 && len(r.Trailer) == 0
	c.sendBlock(x.ID, fields, x.localDone)
	if !x.localDone {
		c.sending = append(c.sending, x)
		c.pump()
	}
}

// appendFields adds a map's fields in the order of their names.
func appendFields(fields []hpack.HeaderField, h map[string][]string) []hpack.HeaderField {
	for _, name := range slices.Sorted(maps.Keys(h)) {
		for _, v := range h[name] {
			fields = append(fields, hpack.HeaderField{Name: strings.ToLower(name), Value: v})
		}
	}
	return fields
}

// sendBlock sends HEADERS, and CONTINUATION for what does not fit; mu is held.
func (c *Client) sendBlock(stream uint32, fields []hpack.HeaderField, end bool) {
	c.encoded.Reset()
	for _, f := range fields {
		_ = c.encoder.WriteField(f) // encoded takes everything
	}
	b := c.encoded.Bytes()
	first := b[:min(len(b), c.peer.frame)]
	b = b[len(first):]
	f := Frame{Type: http2.FrameHeaders, Stream: stream, Length: len(first)}
	if end {
		f.Flags |= http2.FlagHeadersEndStream
	}
	if len(b) == 0 {
		f.Flags |= http2.FlagHeadersEndHeaders
		f.Fields = fields
	}
	_ = c.write.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: first,
		EndStream: end, EndHeaders: len(b) == 0})
	c.sent(f)
	for len(b) > 0 {
		part := b[:min(len(b), c.peer.frame)]
		b = b[len(part):]
		f := Frame{Type: http2.FrameContinuation, Stream: stream, Length: len(part)}
		if len(b) == 0 {
			f.Flags |= http2.FlagContinuationEndHeaders
			f.Fields = fields
		}
		_ = c.write.WriteContinuation(stream, len(b) == 0, part)
		c.sent(f)
	}
}

// pump sends what the windows allow of the bodies that are left, first come first served; mu is
// held.
func (c *Client) pump() {
	var done []*Exchange
	c.sending = slices.DeleteFunc(c.sending, func(x *Exchange) bool {
		if c.sendBody(x) {
			done = append(done, x)
			return true
		}
		return false
	})
	for _, x := range done {
		c.settle(x)
	}
}

// sendBody sends what the windows allow of x and reports whether there is nothing left; mu is held.
func (c *Client) sendBody(x *Exchange) bool {
	if x.over {
		return true
	}
	trailers := len(x.Request.Trailer) > 0
	for len(x.rest) > 0 {
		n := min(int64(len(x.rest)), int64(c.peer.frame), x.peerWindow, c.peer.window)
		if n <= 0 {
			return false
		}
		x.peerWindow -= n
		c.peer.window -= n
		part := x.rest[:n]
		x.rest = x.rest[n:]
		f := Frame{Type: http2.FrameData, Stream: x.ID, Length: int(n)}
		end := len(x.rest) == 0 && !trailers
		if end {
			f.Flags |= http2.FlagDataEndStream
		}
		_ = c.write.WriteData(x.ID, end, part)
		c.sent(f)
	}
	if trailers {
		c.sendBlock(x.ID, appendFields(nil, x.Request.Trailer), true)
	}
	x.localDone = true
	return true
}

// settle counts a request as over when both sides are done, and begins one that waits; mu is held.
func (c *Client) settle(x *Exchange) {
	if x.Page != nil || x.ID == 0 || !x.reset && !(x.localDone && x.remoteDone) || x.settled {
		return
	}
	x.settled = true
	c.open--
	c.beginWaiting()
}

// beginWaiting begins requests that wait, as many as the server's limit has room for; mu is held.
func (c *Client) beginWaiting() {
	for len(c.waiting) > 0 && int64(c.open) < c.peer.streams && c.err == nil {
		x := c.waiting[0]
		c.waiting = c.waiting[1:]
		if !x.over {
			c.begin(x)
		}
	}
}

// resetStream sends RST_STREAM and ends the exchange; mu is held.
func (c *Client) resetStream(x *Exchange, code http2.ErrCode) {
	if x.reset || c.err != nil {
		return
	}
	_ = c.write.WriteRSTStream(x.ID, code)
	c.sent(Frame{Type: http2.FrameRSTStream, Stream: x.ID, Length: 4, Code: code})
	c.closeStream(x, &ResetError{Stream: x.ID, Code: code, Local: true})
}

// closeStream is what a reset of either side means; mu is held.
func (c *Client) closeStream(x *Exchange, err error) {
	if x.Page != nil && x.begun && !x.remoteDone {
		c.pushing--
	}
	x.reset = true
	c.end(x, err)
	c.settle(x)
}

// Update gives the server more window: of a stream, or of the connection if stream is 0. It is for
// clients that hold theirs.
func (c *Client) Update(stream uint32, more int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if x := c.exchanges[stream]; c.err != nil || more <= 0 || more > maxWindow ||
		stream != 0 && (x == nil || x.over) {
		return
	} else if x != nil {
		x.window += int64(more)
	} else {
		c.in.window += int64(more)
	}
	c.sendUpdate(stream, int64(more))
}

// sendUpdate sends WINDOW_UPDATE; mu is held.
func (c *Client) sendUpdate(stream uint32, more int64) {
	_ = c.write.WriteWindowUpdate(stream, uint32(more))
	c.sent(Frame{Type: http2.FrameWindowUpdate, Stream: stream, Length: 4, Window: uint32(more)})
}
