package server

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"syscall"
	"time"

	"github.com/larkspur-web/larkspur/server/http1"
)

// handshakeTimeout is how long a client may take for its TLS handshake.
const handshakeTimeout = DefaultReadHeaderTimeout

// Accept returns the next connection, as an http.Server wants it: HTTP/1 is read by [http1.Strict].
func (l *Listener) Accept() (net.Conn, error) {
	if l.tls == nil && (l.Proxies == nil || !l.Proxies.Protocol) {
		c, err := l.next()
		if err != nil {
			return nil, l.failing(err)
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
	for {
		c, err := l.next()
		if err != nil {
			l.failed = l.failing(err)
			close(l.done)
			return
		}
		go l.shake(ctx, c)
	}
}

// next returns the next connection. What keeps it from being accepted for a while only, as that
// there are no descriptors left, is said and waited out.
func (l *Listener) next() (net.Conn, error) {
	for pause := time.Millisecond; ; pause = min(2*pause, 100*time.Millisecond) {
		c, err := l.Listener.Accept()
		var t interface{ Temporary() bool }
		if err == nil {
			l.conns.enter(c, l)
			return c, nil
		}
		if !errors.As(err, &t) || !t.Temporary() {
			return nil, err
		}
		l.said.log(context.Background(), orDefault(l.logger), notice{
			kind: "accept", first: 1, level: slog.LevelError, text: refused(err),
			attrs: []slog.Attr{slog.String("listener", l.URL)},
		})
		if !l.conns.shed() {
			time.Sleep(pause)
		}
	}
}

// refused says why no connection can be accepted, and the cure.
func refused(err error) string {
	text := "no connection can be accepted: " + err.Error()
	switch {
	case errors.Is(err, syscall.EMFILE):
		text += "; raise the process's limit of open files (ulimit -n, LimitNOFILE= of systemd)"
	case errors.Is(err, syscall.ENFILE):
		text += "; raise the system's limit of open files (sysctl fs.file-max)"
	}
	return text
}

// shake hands the connection on, or closes it.
func (l *Listener) shake(ctx context.Context, c net.Conn) {
	if l.Proxies.begins(c) {
		stop := context.AfterFunc(ctx, func() { c.SetReadDeadline(time.Unix(1, 0)) })
		p, err := readProxy(c)
		if stop(); err != nil {
			orDefault(l.logger).Debug(err.Error(), slog.String("listener", l.URL), slog.Any("peer", c.RemoteAddr()))
			l.drop(c)
			return
		}
		c = p
	}
	if l.tls == nil {
		l.hand(http1.Strict(c))
		return
	}
	l.secure(ctx, tls.Server(c, l.tls))
}

// secure has the client shake hands, and hands the connection on.
func (l *Listener) secure(ctx context.Context, c *tls.Conn) {
	ctx, cancel := context.WithTimeout(ctx, handshakeTimeout)
	defer cancel()
	if err := c.HandshakeContext(ctx); err != nil {
		var plain tls.RecordHeaderError
		if errors.As(err, &plain) && plain.Conn != nil && looksLikeHTTP(plain.RecordHeader) {
			// The client is gone if this fails.
			_, _ = io.WriteString(plain.Conn, notHTTPS)
		}
		l.drop(c)
		return
	}
	var conn net.Conn = c
	if c.ConnectionState().NegotiatedProtocol != "h2" {
		conn = http1.Strict(c)
	}
	l.hand(conn)
}

// hand hands a connection to whoever calls Accept.
func (l *Listener) hand(c net.Conn) {
	select {
	case l.ready <- c:
	case <-l.done:
		l.drop(c)
	}
}

// drop closes a connection that is handed to nobody.
func (l *Listener) drop(c net.Conn) {
	c.Close()
	l.conns.leave(c)
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
