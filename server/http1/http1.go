// Package http1 refuses HTTP/1 requests that could be read in more than one way, before net/http,
// which accepts them, has read them: a proxy in front that reads them otherwise could be made to
// pass on a request that it never checked ("request smuggling").
//
// # The model
//
// [Strict] wraps a connection below net/http and reads along: the lines of a head are checked as
// they pass, a body is only counted, so that the next head is found where net/http will look for
// it. In the place of the byte at which a head is wrong net/http gets bytes that no head may have;
// it answers them, in turn, with a closed connection and 400, in the place of which the client gets
// the status that says what is wrong. Nothing is held back, and of a head no more than a line is
// kept. Empty lines before a head do not pass: RFC 9112, section 2.2, has a server ignore them.
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
//   - a line of more than [MaxLine] bytes: 414 for a target, 431 for a field
//
// A connection that begins with the HTTP/2 preface, or that has become another protocol by a 101,
// is passed through.
package http1

import (
	"bytes"
	"crypto/tls"
	"io"
	"net"
	"net/http"
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
	status  int    // that what was refused is answered with
	cr      bool   // of an empty line before a head has come
	line    []byte // of a head, as far as it has come
	head    head
	length  int64   // bytes of a body that are to come, if it has a length
	chunks  *chunks // of a body that is to come, if it has chunks

	upgrade  atomic.Bool // the last request asked for another protocol
	upgraded atomic.Bool // and got it

	closes atomic.Bool // the end of a response may be that of the connection: see SetLinger
	resets atomic.Bool // Close resets it

	refused atomic.Int32 // the status, once net/http has read all that stands for what was refused
}

// NetConn is the connection itself, as that of a tls.Conn is what is below TLS.
func (c *conn) NetConn() net.Conn { return c.Conn }

// Read passes on what it reads, up to what is refused.
func (c *conn) Read(p []byte) (int, error) {
	for !c.over {
		n, err := c.Conn.Read(p)
		got := n
		for rest := p[:n]; len(rest) > 0 && !c.over && !c.passing && !c.upgraded.Load(); {
			if empty := c.skip(rest); empty > 0 {
				n -= empty
				rest = rest[:copy(rest, rest[empty:])]
				continue
			}
			rest = rest[c.pass(rest):]
			if c.over {
				n -= len(rest)
			}
		}
		if n > 0 || got == 0 {
			return n, err
		}
	}
	if c.instead == "" {
		return 0, io.ErrUnexpectedEOF
	}
	n := copy(p, c.instead)
	if c.instead = c.instead[n:]; c.instead == "" {
		c.refused.Store(int32(c.status))
	}
	return n, nil
}

// skip returns how many bytes at the beginning of b are of empty lines before a head.
func (c *conn) skip(b []byte) (n int) {
	if c.length > 0 || c.chunks != nil || c.head.began || len(c.line) > 0 {
		return 0
	}
	for n < len(b) && (c.cr && b[n] == '\n' || !c.cr && b[n] == '\r') {
		c.cr = !c.cr
		n++
	}
	return n
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
	if c.cr { // and no LF behind it
		return c.refuse(http.StatusBadRequest)
	}
	end := bytes.IndexByte(b, '\n')
	if end < 0 {
		if len(c.line)+len(b) > MaxLine {
			return c.refuse(c.tooLong(append(c.line, b...)))
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
	switch {
	case len(line) > MaxLine:
		return c.refuse(c.tooLong(line))
	case !ok:
		return c.refuse(http.StatusBadRequest)
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
		return c.refuse(http.StatusBadRequest)
	}
	return end + 1
}

// end ends the head with the first n bytes of b, and begins the body.
func (c *conn) end(b []byte, n int) int {
	h := c.head
	c.head = head{}
	if !h.plain() {
		return c.refuse(http.StatusBadRequest)
	}
	c.length = h.length
	c.upgrade.Store(h.upgrade)
	switch {
	case h.chunked:
		probe := chunks{at: inSize}
		if _, state := probe.feed(b[n:]); state == chunksBad {
			return c.refuse(http.StatusBadRequest)
		}
		c.chunks = &chunks{at: inSize}
	case h.codings > 0:
		c.over = true // nobody here knows where the body ends; net/http answers 501
	}
	return n
}
