package server

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"time"

	"github.com/larkspur-web/larkspur/server/http1"
)

// handshakeTimeout is how long a client may take for its TLS handshake.
const handshakeTimeout = DefaultReadHeaderTimeout

// Accept returns the next connection, as an http.Server wants it: HTTP/1 is read by [http1.Strict].
func (l *Listener) Accept() (net.Conn, error) {
	if l.tls == nil {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		return http1.Strict(c), nil
	}
	l.once.Do(func() { go l.accept() })
	select {
	case c := <-l.ready:
		return c, nil
	case <-l.done:
		return nil, l.failed
	}
}

// accept has each client shake hands in a goroutine of its own: only then is it known whether it
// speaks HTTP/1, which is to be read strictly, or HTTP/2, for which an http.Server wants the
// tls.Conn itself.
func (l *Listener) accept() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var pause time.Duration
	for {
		c, err := l.Listener.Accept()
		if temporary(err) {
			pause = min(max(2*pause, 5*time.Millisecond), time.Second)
			time.Sleep(pause) // out of descriptors, say: as net/http does
			continue
		}
		if err != nil {
			l.failed = err
			close(l.done)
			return
		}
		pause = 0
		go l.shake(ctx, tls.Server(c, l.tls))
	}
}

func temporary(err error) bool {
	var t interface{ Temporary() bool }
	return errors.As(err, &t) && t.Temporary()
}

// shake hands the connection on, or closes it.
func (l *Listener) shake(ctx context.Context, c *tls.Conn) {
	ctx, cancel := context.WithTimeout(ctx, handshakeTimeout)
	defer cancel()
	if err := c.HandshakeContext(ctx); err != nil {
		var plain tls.RecordHeaderError
		if errors.As(err, &plain) && plain.Conn != nil && looksLikeHTTP(plain.RecordHeader) {
			// The client is gone if this fails.
			_, _ = io.WriteString(plain.Conn, notHTTPS)
		}
		c.Close()
		return
	}
	var conn net.Conn = c
	if c.ConnectionState().NegotiatedProtocol != "h2" {
		conn = http1.Strict(c)
	}
	select {
	case l.ready <- conn:
	case <-l.done:
		c.Close()
	}
}

// notHTTPS is the answer to a request in cleartext on a port for HTTPS.
const notHTTPS = "HTTP/1.0 400 Bad Request\r\n\r\n" +
	"This port speaks HTTPS: begin the URL with https://\n"

// looksLikeHTTP reports whether the first bytes are of a request in cleartext.
func looksLikeHTTP(b [5]byte) bool {
	switch string(b[:]) {
	case "GET /", "HEAD ", "POST ", "PUT /", "OPTIO", "DELET", "PATCH":
		return true
	}
	return false
}
