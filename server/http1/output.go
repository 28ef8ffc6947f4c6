package http1

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net"
)

// Write puts the answer to what was refused in the place of net/http's, which is the next that it
// writes once it has read that. And it sees a 101 pass: after it the connection is no longer
// HTTP/1. RFC 9110, section 7.8.
func (c *conn) Write(p []byte) (int, error) {
	if status := c.refused.Load(); status != 0 {
		return len(p), c.answer(int(status))
	}
	if c.upgrade.Load() && bytes.HasPrefix(p, []byte("HTTP/1.1 101 ")) {
		c.upgraded.Store(true)
	}
	n, err := c.Conn.Write(p)
	return n, c.sent(err)
}

// ReadFrom lets net/http send files by sendfile.
func (c *conn) ReadFrom(r io.Reader) (int64, error) {
	n, err := io.Copy(c.Conn, r)
	return n, c.sent(err)
}

// CloseWrite lets net/http close its side first, so that an answer sent while the client still
// writes is not lost to a reset.
func (c *conn) CloseWrite() error {
	if w, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return w.CloseWrite()
	}
	return nil
}

// SetLinger is that of a TCPConn, which 0 has Close reset the connection. Over TLS nothing says
// then that it has ended in order. Once it was called, a write that fails does as SetLinger(0).
func (c *conn) SetLinger(sec int) error {
	l, ok := c.below().(interface{ SetLinger(sec int) error })
	if !ok {
		return errors.ErrUnsupported
	}
	c.closes.Store(true)
	c.resets.Store(sec == 0)
	return l.SetLinger(sec)
}

// sent returns err, with which a write ended: what was to be sent has not been.
func (c *conn) sent(err error) error {
	if err != nil && c.closes.Load() {
		_ = c.SetLinger(0) // if it fails the connection is closed already
	}
	return err
}

// Close closes the connection, without TLS's close_notify if it is reset.
func (c *conn) Close() error {
	if c.resets.Load() {
		return c.below().Close()
	}
	return c.Conn.Close()
}

// below is what is below TLS.
func (c *conn) below() net.Conn {
	if t, ok := c.Conn.(*tls.Conn); ok {
		return t.NetConn()
	}
	return c.Conn
}
