// Package http1 refuses HTTP/1 requests that could be read in more than one way, before net/http,
// which accepts them, has read them: a proxy in front that reads them otherwise could be made to
// pass on a request that it never checked ("request smuggling").
//
// # The model
//
// [Strict] wraps a connection below net/http and reads along: the lines of a head are checked as
// they pass, a body is only counted, so that the next head is found where net/http will look for
// it. In the place of the byte at which a head is wrong net/http gets bytes that no head may have;
// it answers them, in turn, with 400 and a closed connection. Nothing is held back, and of a head
// no more than a line is kept.
//
// Refused are, beside what net/http refuses itself:
//
//   - Transfer-Encoding with Content-Length, or in HTTP/1.0, and Content-Length twice, even if equal
//     (RFC 9112, section 6.3)
//   - a line that ends without a carriage return, or has one inside (section 2.2)
//   - a folded field (section 5.2)
//   - a target in absolute form whose authority is not that of Host (section 3.2.2)
//   - a chunk that is none, if it came together with the head (section 7.1); one that comes later ends
//     the body with an error, and the connection
//   - a line of more than [MaxLine] bytes
//
// A connection that begins with the HTTP/2 preface, or that has become another protocol by a 101,
// is passed through.
package http1

import (
	"bytes"
	"crypto/tls"
	"io"
	"net"
	"sync/atomic"
)

// MaxLine is how many bytes a line of a head may have.
const MaxLine = 64 << 10

// Strict returns c as net/http should see it. If c is a [tls.Conn] its handshake must be complete,
// and what is returned tells its state.
func Strict(c net.Conn) net.Conn {
	s := &conn{Conn: c}
	if t, ok := c.(*tls.Conn); ok {
		return &secure{s, t}
	}
	return s
}

// secure is a conn whose state net/http puts into Request.TLS.
type secure struct {
	*conn
	tls *tls.Conn
}

func (s *secure) ConnectionState() tls.ConnectionState { return s.tls.ConnectionState() }

// A conn is read by one goroutine at a time, which owns all but the two that are atomic.
type conn struct {
	net.Conn
	began   bool   // a request line has passed
	passing bool   // this is HTTP/2
	over    bool   // nothing is passed on any more but instead
	instead string // of what was refused
	line    []byte // of a head, as far as it has come
	head    head
	length  int64   // bytes of a body that are to come, if it has a length
	chunks  *chunks // of a body that is to come, if it has chunks

	upgrade  atomic.Bool // the last request asked for another protocol
	upgraded atomic.Bool // and got it
}

// refusal stands in no head: whatever line it comes into, net/http refuses that for its NUL.
const refusal = "\x00\r\n\r\n"

// Read passes on what it reads, up to what is refused.
func (c *conn) Read(p []byte) (int, error) {
	if c.over {
		if c.instead == "" {
			return 0, io.ErrUnexpectedEOF
		}
		n := copy(p, c.instead)
		c.instead = c.instead[n:]
		return n, nil
	}
	n, err := c.Conn.Read(p)
	for rest := p[:n]; len(rest) > 0 && !c.passing && !c.upgraded.Load(); {
		good := c.pass(rest)
		rest = rest[good:]
		if c.over {
			n -= len(rest)
			if n == 0 {
				return c.Read(p)
			}
			return n, nil
		}
	}
	return n, err
}

// pass looks at the beginning of b, and returns how much of b may pass. It is over after that if
// not all that it looked at may.
func (c *conn) pass(b []byte) int {
	switch {
	case c.length > 0:
		n := min(int64(len(b)), c.length)
		c.length -= n
		return int(n)
	case c.chunks != nil:
		n, state := c.chunks.feed(b)
		c.over = state == chunksBad
		if state == chunksDone {
			c.chunks = nil
		}
		return n
	}
	end := bytes.IndexByte(b, '\n')
	if end < 0 {
		if len(c.line)+len(b) > MaxLine {
			return c.refuse()
		}
		c.line = append(c.line, b...)
		return len(b)
	}
	line := b[:end]
	if len(c.line) > 0 {
		line = append(c.line, line...)
		c.line = nil // an idle connection keeps none
	}
	line, ok := bytes.CutSuffix(line, []byte("\r"))
	if !ok || len(line) > MaxLine {
		return c.refuse()
	}
	if len(line) == 0 {
		return c.end(b, end+1)
	}
	if !c.began {
		c.began = true
		if string(line) == "PRI * HTTP/2.0" {
			c.passing = true
			return len(b)
		}
	}
	if !c.head.add(line) {
		return c.refuse()
	}
	return end + 1
}

// end ends the head with the first n bytes of b, and begins the body.
func (c *conn) end(b []byte, n int) int {
	h := c.head
	c.head = head{}
	if !h.plain() {
		return c.refuse()
	}
	c.length = h.length
	c.upgrade.Store(h.upgrade)
	switch {
	case h.chunked:
		var probe chunks
		if _, state := probe.feed(b[n:]); state == chunksBad {
			return c.refuse()
		}
		c.chunks = new(chunks)
	case h.codings > 0:
		c.over = true // nobody here knows where the body ends; net/http answers 501
	}
	return n
}

func (c *conn) refuse() int {
	c.over, c.instead = true, refusal
	return 0
}

// Write sees a 101 pass: after it the connection is no longer HTTP/1.
// RFC 9110, section 7.8.
func (c *conn) Write(p []byte) (int, error) {
	if c.upgrade.Load() && bytes.HasPrefix(p, []byte("HTTP/1.1 101 ")) {
		c.upgraded.Store(true)
	}
	return c.Conn.Write(p)
}

// ReadFrom lets net/http send files by sendfile.
func (c *conn) ReadFrom(r io.Reader) (int64, error) { return io.Copy(c.Conn, r) }

// CloseWrite lets net/http close its side first, so that an answer sent while the client still
// writes is not lost to a reset.
func (c *conn) CloseWrite() error {
	if w, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return w.CloseWrite()
	}
	return nil
}
