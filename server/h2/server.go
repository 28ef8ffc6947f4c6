package h2

import (
	"context"
	"crypto/tls"
	"errors"
	"log"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/net/http2"
)

// A Server serves HTTP/2 connections. Its zero value is ready, and safe on an open
// network: every limit that is zero has the default that its comment names. Fields
// must not be changed once it serves.
//
// What [http.Server] has a field for is said there: MaxHeaderBytes (here 64 KiB if
// zero; it is announced, and a request above it is answered 431), ReadHeaderTimeout
// (10 s if it and ReadTimeout are zero; bounds the preface, and a header block from
// its first frame to its last), ReadTimeout and WriteTimeout (of a stream, from its
// header on; none if zero), IdleTimeout (of a connection without streams; 2 minutes
// if it and ReadTimeout are zero), ErrorLog, ConnState (called in order, by whoever
// changes the state: it must not block), BaseContext, ConnContext and HTTP2, of
// which MaxReadFrameSize is 16 KiB if zero, the receive buffers 512 KiB for a
// stream and 1 MiB for a connection, and WriteByteTimeout 15 s (in which a client must
// take some of what is written; over TLS, a record of 16 KiB, or of 1 KiB once it is
// slow). A negative timeout means none. SetKeepAlivesEnabled cannot be seen from here:
// a handler that sets "Connection: close" ends the connection after its streams, and
// Shutdown all of them.
type Server struct {
	// MaxStreams is how many streams a client may have open at once, and how many
	// of its requests may have handlers that still run, those of reset streams
	// included: what resets cannot get around. If zero, http.Server.HTTP2's
	// MaxConcurrentStreams, or else 250.
	MaxStreams int

	// MaxHandlers is how many handlers run at once for all connections of this
	// Server. Requests above it wait for their turn, each in a stream that counts
	// for MaxStreams. A handler that has sent a part of its response, has had to wait
	// for a part of the request, or was told that its client has gone does not count
	// from then on: clients that are slow on purpose, event streams and handlers that
	// nobody listens to any more do not keep others out. If zero, 2048.
	MaxHandlers int

	// MaxPromises is how many promised streams one connection has open at once, if
	// its client does not allow fewer. If zero, 32; if negative, none are made.
	MaxPromises int

	// MaxHeaderFields is how many fields a header may have; above it the answer is
	// 431. If zero, [DefaultMaxHeaderFields].
	MaxHeaderFields int

	// MaxHeaderMemory is how many bytes the fields of all requests may take whose
	// handlers have not returned; those of one connection may take an eighth. A
	// stream above it is reset with REFUSED_STREAM, so that its client may try again;
	// 16 KiB for each connection are not counted. If zero, 16 MiB.
	MaxHeaderMemory int

	// ControlBudget bounds what a client may do that makes work and brings nothing. It is the units
	// that a connection can have saved; when they are spent, the connection is closed with
	// ENHANCE_YOUR_CALM. A PING, PRIORITY, WINDOW_UPDATE, CONTINUATION, empty DATA or unknown frame
	// costs 1, as do each setting of a SETTINGS frame and 64 bytes of a PRIORITY_UPDATE, a stream
	// that is reset, by the client or because of it, 8, a header that is too large 16. A delivered
	// response earns 5, a DATA frame sent 2, 512 bytes of DATA either way 1, a second 100. If zero,
	// 4000.
	ControlBudget int

	// SettingsTimeout is how long a client may take to acknowledge SETTINGS. RFC
	// 9113, section 6.5.3. If zero, 10 s; if negative, for ever.
	SettingsTimeout time.Duration

	// StallTimeout is how long a response may wait for the client to open its
	// windows, between two pieces of it. Then the stream is reset, so that clients
	// that ask and do not read do not hold handlers for ever. If zero, a minute; if
	// negative, for ever.
	StallTimeout time.Duration

	// ExtendedConnect offers the CONNECT of RFC 8441, by which clients run
	// WebSocket in a stream. The handler finds its protocol in the request's
	// Header[":protocol"]. It is not offered by default because browsers prefer it
	// to HTTP/1.1 then, and most handlers know only that.
	ExtendedConnect bool

	// Backend says that the only client is a server in front, which is trusted. It adds the
	// Date field to responses (RFC 9110, section 6.6.1), and of many requests that come at
	// once the first are begun before the others are looked at, and what may reset them.
	Backend bool

	workers workers
	clock   dateClock
	headers atomic.Int64 // what counts for MaxHeaderMemory

	// mu guards what follows. It is not held together with a connection's lock.
	mu    sync.Mutex
	conns map[*conn]struct{}

	served uint64       // connections
	past   StreamCounts // of connections that have ended
}

// Configure makes hs serve HTTP/2 with the zero [Server]. To set limits of your
// own, configure hs with another: it is the same.
//
//	err := (&h2.Server{MaxPromises: 8}).Configure(hs)
func Configure(hs *http.Server) error { return new(Server).Configure(hs) }

// Configure makes hs serve HTTP/2 with s: over TLS for clients that choose "h2" by
// ALPN, and in cleartext for those that begin with HTTP/2's preface, if
// hs.Protocols has UnencryptedHTTP2. Call it before hs serves. It changes
// hs.TLSConfig and hs.TLSNextProto, and has hs.Shutdown end the connections when
// their streams have ended.
//
// One Server may be given to several http.Servers; they share its handlers.
func (s *Server) Configure(hs *http.Server) error {
	if hs.TLSConfig == nil {
		hs.TLSConfig = new(tls.Config)
	}
	if err := checkCiphers(hs.TLSConfig); err != nil {
		return err
	}
	for _, proto := range []string{"h2", "http/1.1"} {
		if !slices.Contains(hs.TLSConfig.NextProtos, proto) {
			hs.TLSConfig.NextProtos = append(hs.TLSConfig.NextProtos, proto)
		}
	}
	if hs.TLSNextProto == nil {
		hs.TLSNextProto = map[string]func(*http.Server, *tls.Conn, http.Handler){}
	}
	// Not yet: hs may be changed until it serves.
	limits := sync.OnceValue(func() *limits { return s.limits(hs) })
	hs.TLSNextProto["h2"] = func(hs *http.Server, nc *tls.Conn, h http.Handler) {
		s.newConn(baseContext(h), nc, hs, h, limits()).serve(false)
	}
	// net/http hands over a cleartext connection, whose preface it has read, inside
	// of a *tls.Conn that is none.
	hs.TLSNextProto["unencrypted_http2"] = func(hs *http.Server, nc *tls.Conn, h http.Handler) {
		u, ok := nc.NetConn().(interface{ UnencryptedNetConn() net.Conn })
		if !ok {
			logf(hs, "h2: a TLS connection was handed over as one without TLS")
			nc.Close()
			return
		}
		s.newConn(baseContext(h), u.UnencryptedNetConn(), hs, h, limits()).serve(true)
	}
	hs.RegisterOnShutdown(func() { s.shutdown(hs) })
	return nil
}

// baseContext is the context that net/http made for the connection: it comes as a
// method of the handler, since TLSNextProto is older than contexts.
func baseContext(h http.Handler) context.Context {
	if b, ok := h.(interface{ BaseContext() context.Context }); ok {
		return b.BaseContext()
	}
	return context.Background()
}

// ServeConn serves HTTP/2 on nc, from the client's preface on, until the connection or ctx ends,
// and closes it. If ctx does, the streams that are open are lost. It is for those who accept
// connections themselves: over TLS nc is a *tls.Conn whose handshake is done, in cleartext any
// other. The handler, limits and log are those of hs, whose zero value will do; the requests'
// contexts descend from ctx. hs.Shutdown ends the connection only if hs was given to Configure too.
func (s *Server) ServeConn(ctx context.Context, nc net.Conn, hs *http.Server) {
	h := hs.Handler
	if h == nil {
		h = http.DefaultServeMux
	}
	ctx = context.WithValue(ctx, http.ServerContextKey, hs)
	ctx = context.WithValue(ctx, http.LocalAddrContextKey, nc.LocalAddr())
	c := s.newConn(ctx, nc, hs, h, s.limits(hs))
	defer context.AfterFunc(ctx, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.failConn(connError{http2.ErrCodeNo, "the server has ended the connection"})
	})()
	c.serve(false)
	if hs.ConnState != nil {
		hs.ConnState(nc, http.StateClosed)
	}
}

// checkCiphers refuses a configuration that cannot negotiate what HTTP/2 demands.
// RFC 9113, section 9.2.2.
func checkCiphers(c *tls.Config) error {
	if c.CipherSuites == nil || c.MinVersion >= tls.VersionTLS13 {
		return nil // Go's own choice has them; TLS 1.3 does not ask
	}
	for _, id := range c.CipherSuites {
		switch id {
		case tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256:
			return nil
		}
	}
	return errors.New("h2: TLSConfig.CipherSuites lacks what HTTP/2 requires: add " +
		"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 or TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256")
}

// logf logs as net/http does: to hs.ErrorLog, or where package log does.
func logf(hs *http.Server, format string, args ...any) {
	if hs.ErrorLog != nil {
		hs.ErrorLog.Printf(format, args...)
		return
	}
	log.Printf(format, args...)
}

// enter takes c into the set of connections, which Shutdown ends.
func (s *Server) enter(c *conn) {
	s.workers.enter(c.lim.handlers)
	s.mu.Lock()
	if s.conns == nil {
		s.conns = map[*conn]struct{}{}
	}
	s.conns[c] = struct{}{}
	s.served++
	s.mu.Unlock()
}

// leave takes it out.
func (s *Server) leave(c *conn) {
	c.mu.Lock()
	count := c.streams.count // no stream is open any more
	c.mu.Unlock()
	s.mu.Lock()
	delete(s.conns, c)
	s.past.add(count)
	s.mu.Unlock()
	s.workers.leave()
}

// A dateClock renders the Date field once a second. Its zero value is ready; it may
// be used concurrently.
type dateClock struct{ last atomic.Pointer[renderedDate] }

type renderedDate struct {
	second int64
	text   string
}

// at is the Date field at now. RFC 9110, section 6.6.1.
func (d *dateClock) at(now time.Time) string {
	r := d.last.Load()
	if s := now.Unix(); r == nil || r.second != s {
		r = &renderedDate{s, now.UTC().Format(http.TimeFormat)}
		d.last.Store(r)
	}
	return r.text
}
