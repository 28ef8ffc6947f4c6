package pushtest

import (
	"fmt"
	"strconv"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// A block is a header block as it comes in.
type block struct {
	stream   uint32
	end      bool // of the stream
	promise  bool
	promised uint32
	encoded  []byte
	parts    int
}

// beginBlock takes the first frame of a header block; mu is held.
func (c *Client) beginBlock(f Frame, b *block, fragment []byte, last bool) {
	c.block = b
	c.moreBlock(f, fragment, last)
}

// moreBlock takes a frame of a header block, logs it, and does what the block means at its end; mu
// is held.
func (c *Client) moreBlock(f Frame, fragment []byte, last bool) {
	b := c.block
	b.encoded = append(b.encoded, fragment...)
	b.parts++
	if len(b.encoded) > maxBlock || b.parts > 1000 {
		c.log(f)
		c.fail(fmt.Errorf("a header block of more than %d bytes or 1000 frames", maxBlock))
		return
	}
	if !last {
		c.log(f)
		return
	}
	c.block = nil
	fields, err := c.decode(b)
	f.Fields = fields
	c.log(f)
	switch {
	case err != nil:
		c.broken(b.stream, http2.ErrCodeCompression, "4.3", err.Error())
	case b.promise:
		c.promise(b, fields)
	default:
		c.headers(b, f, fields)
	}
}

// decode decodes a block; mu is held.
func (c *Client) decode(b *block) (fields []hpack.HeaderField, err error) {
	sizes := tableSizes(b.encoded)
	if c.in.mustShrink && len(sizes) == 0 && len(b.encoded) > 0 {
		// RFC 7541, section 4.2.
		return nil, fmt.Errorf("the block does not begin with the smaller table that " +
			"HEADER_TABLE_SIZE asks for")
	}
	if len(sizes) > 0 {
		c.in.mustShrink = false
		c.in.used = uint32(min(sizes[len(sizes)-1], maxWindow))
	}
	size := 0
	c.decoder.SetEmitFunc(func(f hpack.HeaderField) {
		if size += int(f.Size()); size <= maxBlock {
			fields = append(fields, f)
		}
	})
	if _, err = c.decoder.Write(b.encoded); err == nil {
		err = c.decoder.Close()
	}
	if err == nil && size > maxBlock {
		err = fmt.Errorf("a header list of %d bytes", size)
	}
	if c.in.list > 0 && int64(size) > c.in.list {
		c.advise(b.stream, "6.5.2",
			fmt.Sprintf("a header list of %d bytes, MAX_HEADER_LIST_SIZE is %d", size, c.in.list))
	}
	return fields, err
}

// tableSizes are the dynamic table sizes that a block begins with: RFC 7541, section 6.3.
func tableSizes(b []byte) (sizes []uint64) {
	for len(b) > 0 && b[0]&0xe0 == 0x20 && len(sizes) < 3 {
		size := uint64(b[0] & 0x1f)
		b = b[1:]
		if size == 0x1f {
			for shift := 0; len(b) > 0 && shift < 35; shift += 7 {
				size += uint64(b[0]&0x7f) << shift
				more := b[0]&0x80 != 0
				b = b[1:]
				if !more {
					break
				}
			}
		}
		sizes = append(sizes, size)
	}
	return sizes
}

// headers takes the fields of a response, or its trailers; mu is held.
func (c *Client) headers(b *block, f Frame, fields []hpack.HeaderField) {
	x := c.stream(f)
	if x == nil || x.reset {
		return
	}
	if x.remoteDone {
		c.broken(b.stream, http2.ErrCodeStreamClosed, "5.1", "HEADERS after the end of the stream")
		return
	}
	if x.Page != nil && !x.begun {
		c.pushing++
		if int64(c.pushing) > c.in.streams {
			// RFC 9113, section 5.1.2: reserved streams do not count, those that have begun do.
			c.violate(b.stream, http2.ErrCodeRefusedStream, "5.1.2",
				fmt.Sprintf("%d pushed streams are open, MAX_CONCURRENT_STREAMS is %d", c.pushing,
					c.in.streams))
		}
	}
	x.begun = true
	if x.Status != 0 {
		c.trailers(x, b, fields)
		return
	}
	if reason := wrongFields(fields, ":status"); reason != "" {
		c.malformed(x, "8.2", reason)
		return
	}
	text := pseudo(fields, ":status")
	status, err := strconv.Atoi(text)
	switch {
	case err != nil || len(text) != 3 || status < 100:
		c.malformed(x, "8.3.2", fmt.Sprintf("a response with the status %q", text))
	case status == 101:
		c.malformed(x, "8.6", "a response with the status 101")
	case status < 200 && b.end:
		c.malformed(x, "8.1", "an interim response ends the stream")
	case status < 200:
		x.Hints = append(x.Hints, Hint{At: time.Since(c.began), Status: status,
			Header: header(fields)})
	default:
		x.Status, x.Header = status, header(fields)
		x.Answered = time.Since(c.began)
		if b.end {
			c.finish(x)
		}
	}
}

func (c *Client) trailers(x *Exchange, b *block, fields []hpack.HeaderField) {
	switch reason := wrongFields(fields); {
	case !b.end:
		c.malformed(x, "8.1", "a second final response, or trailers that do not end the stream")
	case reason != "":
		c.malformed(x, "8.1", "trailers: "+reason)
	default:
		x.Trailer = header(fields)
		c.finish(x)
	}
}

// promise takes a promised request; mu is held.
func (c *Client) promise(b *block, fields []hpack.HeaderField) {
	if b.promised == 0 || b.promised%2 != 0 || b.promised <= c.promised {
		c.broken(b.stream, http2.ErrCodeProtocol, "5.1.1",
			fmt.Sprintf("stream %d is promised after %d: it has to be even, and higher", b.promised,
				c.promised))
		return
	}
	c.promised = b.promised
	if !c.in.push {
		c.broken(b.stream, http2.ErrCodeProtocol, "8.4", "a promise, though ENABLE_PUSH is 0")
		return
	}
	page := c.exchanges[b.stream]
	if b.stream%2 == 0 || page == nil || page.remoteDone {
		c.broken(b.stream, http2.ErrCodeProtocol, "8.4.1",
			"a promise on a stream that is not an open request of the client")
		return
	}
	if len(c.promises) >= maxPromises {
		c.fail(fmt.Errorf("%d promises on one connection", maxPromises))
		return
	}
	x := &Exchange{ID: b.promised, Page: page, c: c, done: make(chan struct{}), localDone: true,
		window: c.in.streamWindow, Began: time.Since(c.began),
		Request: Request{Method: pseudo(fields, ":method"), Scheme: pseudo(fields, ":scheme"),
			Authority: pseudo(fields, ":authority"), Target: pseudo(fields, ":path"),
			Header: header(fields)}}
	c.exchanges[x.ID] = x
	c.promises = append(c.promises, x)
	if !page.over { // else its reader has it already
		page.Promises = append(page.Promises, x)
	}
	if late(page, x.Request.Target) {
		c.advise(b.stream, "8.4.1", fmt.Sprintf("%s is promised after fields that refer to it",
			x.Request.Target))
	}
	if clause, reason := c.wrongPromise(page, x, fields); reason != "" {
		c.malformed(x, clause, reason)
		return
	}
	if c.settings.OnPromise == nil {
		return
	}
	c.mu.Unlock()
	code := c.settings.OnPromise(x)
	c.mu.Lock()
	if code != http2.ErrCodeNo && c.err == nil {
		c.resetStream(x, code)
	}
}

// late reports whether fields that came on the page's stream refer to a target.
func late(page *Exchange, target string) bool {
	for _, h := range page.Hints {
		if quotes(h.Header, target) {
			return true
		}
	}
	return quotes(page.Header, target)
}
