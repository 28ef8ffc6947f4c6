package server

import (
	"errors"
	"net/http"
	"time"

	"github.com/larkspur-web/larkspur/server/h2"
)

// The limits of a server on an open network, where nothing else is said. Each closes what the
// others leave open; they were measured against slow and silent clients on both protocols.
const (
	// DefaultReadHeaderTimeout is how long a connection may have half a header, or half a handshake.
	DefaultReadHeaderTimeout = 10 * time.Second
	// DefaultReadTimeout is how long a body may take that comes a byte at a time.
	DefaultReadTimeout = 60 * time.Second
	// DefaultMaxHeaderBytes is how large the header of a request may be.
	DefaultMaxHeaderBytes = 64 << 10
	// DefaultWriteTimeout is how long a client may take to accept a block.
	DefaultWriteTimeout = 60 * time.Second
	// DefaultIdleTimeout is how long a response that has begun may send nothing.
	DefaultIdleTimeout = 5 * time.Minute

	idleTimeout      = 120 * time.Second // a connection kept open for nothing
	writeByteTimeout = 15 * time.Second  // an HTTP/2 client that gives window, but does not read
	pingAfter        = 30 * time.Second  // a peer that has gone without saying so
	pingTimeout      = 15 * time.Second
	maxStreams       = 250
	maxFrame         = 16 << 10
)

// Configure makes s a server for an open network: it speaks HTTP/2 (see package h2) over TLS (by
// ALPN) and in cleartext (by prior knowledge) beside HTTP/1.1, and every timeout and limit that s
// leaves zero gets a safe value; a negative timeout stays, and means none. Call it before s
// serves. An [h2.Server] whose Configure is called after it takes the place of the default one.
//
// ReadTimeout and WriteTimeout stay zero, as they would cut the streams of any handler: a [Handler]
// sets deadlines of its own, which move with what the client accepts, and what waits for an HTTP/2
// client that does not read ends by StallTimeout of [h2.Server].
//
// It has at most [DefaultMaxConns] connections at once: for one more, the one that has been idle
// longest is closed.
func Configure(s *http.Server) error {
	if s == nil {
		return errors.New("server: Configure: nil http.Server")
	}
	harden(s, new(conns))
	e := new(h2.Server)
	switch s.Handler.(type) {
	case *Front, *Handler:
		e.ExtendedConnect = true // they make of it what all that is behind them knows
	}
	return e.Configure(s)
}

// harden sets the timeouts and limits that are left zero, and has c bound the connections.
func harden(s *http.Server, c *conns) *sockets {
	c.track(s)
	keepEndings(s)
	switch s.Handler.(type) {
	case *Front, *Handler:
		s.DisableGeneralOptionsHandler = true // they answer OPTIONS *, and do not wait for its body
	}
	setTimeout(&s.ReadHeaderTimeout, DefaultReadHeaderTimeout)
	setTimeout(&s.IdleTimeout, idleTimeout)
	if s.MaxHeaderBytes == 0 {
		s.MaxHeaderBytes = DefaultMaxHeaderBytes
	}
	if s.Protocols == nil {
		s.Protocols = new(http.Protocols)
		s.Protocols.SetHTTP1(true)
		s.Protocols.SetHTTP2(true)
		s.Protocols.SetUnencryptedHTTP2(true)
	}
	if s.HTTP2 == nil {
		s.HTTP2 = new(http.HTTP2Config)
	}
	setTimeout(&s.HTTP2.SendPingTimeout, pingAfter)
	setTimeout(&s.HTTP2.PingTimeout, pingTimeout)
	setTimeout(&s.HTTP2.WriteByteTimeout, writeByteTimeout)
	if s.HTTP2.MaxConcurrentStreams == 0 {
		s.HTTP2.MaxConcurrentStreams = maxStreams
	}
	if s.HTTP2.MaxReadFrameSize == 0 {
		s.HTTP2.MaxReadFrameSize = maxFrame
	}
	return keepSockets(s)
}

func setTimeout(d *time.Duration, safe time.Duration) {
	if *d == 0 {
		*d = safe
	}
}
