package h2

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"sync"
	"time"

	"golang.org/x/net/http2"
)

// A conn is a connection.
//
// Four kinds of goroutines use it: the reader, on which net/http serves the
// connection (reader.go); workers, which run handlers and write (workers.go,
// flush.go); the timer's (clock.go); and goroutines that handlers start themselves.
//
// Ownership:
//   - The fields up to session do not change, and session has a lock of its own.
//   - reader belongs to the reader goroutine, which calls its methods without mu.
//   - mu guards all fields below it, and those fields of a stream that stream says.
//
// Nobody blocks while holding mu, so a client that does not read cannot stop the
// connection. The hooks that are called under mu must not block either: ConnState
// of http.Server, and the settled function of a promise.
//
// Methods of conn are called with mu held. The exceptions lock mu themselves or
// need no lock, and say so. Tests that run with the race detector check it: see
// mutex.
//
// The order of locks is response.mu, conn.mu, body.mu, workers.mu. No goroutine
// holds the locks of two connections.
type conn struct {
	srv     *Server
	hs      *http.Server
	lim     *limits
	nc      net.Conn
	raw     net.Conn             // what is below TLS
	tls     *tls.ConnectionState // nil in cleartext
	remote  string
	handler http.Handler
	ctx     context.Context
	epoch   time.Time // time 0 of every int64 that is a time here, in nanoseconds

	session sync.Map // of those who plan promises; it has its own lock

	reader reader

	mu           mutex
	state        http.ConnState
	streams      streamTable
	admission    admission
	sentPromises *sentPromises // nil before the first
	prepared     scratch       // of the answers that are sent without a handler
	client       clientSettings
	flow         flow
	ready        scheduler
	encoder      encoder
	out          output
	budget       budget
	headers      int // what the fields of all requests take: see memory.go
	clock        clock
	ending       ending
}

// serve serves the connection until it ends. It runs on the goroutine that net/http
// gave it, which becomes the reader. With prefaceRead, the client's preface has been
// read.
func (c *conn) serve(prefaceRead bool) {
	s, nc := c.srv, c.nc
	// Only the reader closes nc. Other goroutines wake it, or close the connection
	// below TLS, which ends its Read.
	defer nc.Close()
	// net/http has set deadlines for the handshake. From here on the clock sees to
	// reads; writes have deadlines of their own (see renewDeadline).
	nc.SetDeadline(time.Time{})

	s.enter(c)
	defer s.leave(c)
	c.mu.Lock()
	// net/http's own HTTP/2 server reports both, in this order: a connection is
	// idle until it has a stream.
	c.setState(http.StateActive)
	c.setState(http.StateIdle)
	c.startClock()
	c.mu.Unlock()
	if c.ctx.Done() != nil {
		// A streamContext does not watch its parent.
		defer context.AfterFunc(c.ctx, c.cancelStreams)()
	}

	err := c.checkTLS()
	if err == nil {
		err = c.reader.run(prefaceRead)
	}
	c.reader.teardown(err)
}

// newConn makes a connection in its initial state. The client's SETTINGS have the
// initial values of RFC 9113, section 6.5.2.
func (s *Server) newConn(
	ctx context.Context, nc net.Conn, hs *http.Server, h http.Handler, lim *limits,
) *conn {
	c := &conn{
		srv: s, hs: hs, lim: lim, nc: nc, raw: nc, handler: h, ctx: ctx, epoch: time.Now(),
		remote: nc.RemoteAddr().String(),
		state:  http.StateNew,
	}
	// nc need not be a *tls.Conn: a listener may bring its own TLS.
	if t, ok := nc.(interface{ ConnectionState() tls.ConnectionState }); ok {
		state := t.ConnectionState()
		c.tls = &state
	}
	if t, ok := nc.(*tls.Conn); ok {
		c.raw = t.NetConn()
	}
	c.reader.c = c
	c.reader.fieldReader.init(lim.headerBytes, lim.headerFields, int(lim.decoderTable))
	c.streams.open = map[uint32]*stream{}
	c.client = clientSettings{
		frameSize: minFrameSize, window: defaultWindow, push: true, streams: 1<<32 - 1,
	}
	c.flow.out.n = defaultWindow
	c.flow.in.init(defaultWindow)
	c.encoder = encoder{limit: lim.encoderTable, max: defaultTableSize}
	c.encoder.resize(defaultTableSize)
	c.budget = budget{left: lim.budget, max: lim.budget}
	return c
}

// checkTLS refuses what RFC 9113, section 9.2, forbids: versions below 1.2, and of
// 1.2 all cipher suites that are not both ephemeral and AEAD, unless
// PermitProhibitedCipherSuites of [http.HTTP2Config] is set. It needs no lock.
func (c *conn) checkTLS() error {
	if c.tls == nil {
		return nil
	}
	if c.tls.Version < tls.VersionTLS12 {
		return connError{http2.ErrCodeInadequateSecurity, "TLS 1.2 or newer is required"}
	}
	if c.tls.Version >= tls.VersionTLS13 || c.lim.anyCipher {
		return nil
	}
	switch c.tls.CipherSuite {
	case tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
		tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
		tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
		tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
		tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
		tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256:
		return nil
	}
	// RFC 9113, section 9.2.2: all others of TLS 1.2 are in the list of appendix A.
	return connError{http2.ErrCodeInadequateSecurity, "the cipher suite is prohibited"}
}

// now is the monotonic time since epoch. As an int64 it is cheap to compare, to
// store and to load atomically. It needs no lock.
func (c *conn) now() int64 { return int64(time.Since(c.epoch)) }

// setState calls hs.ConnState, with mu held so that the states come in order.
func (c *conn) setState(s http.ConnState) {
	c.state = s
	if c.hs.ConnState != nil {
		c.hs.ConnState(c.nc, s)
	}
}

// cancelStreams cancels the contexts of all requests, because that of the
// connection has ended. It locks mu.
func (c *conn) cancelStreams() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, st := range c.streams.open {
		st.req.ctx.cancel(c.ctx.Err())
	}
	for st := range c.streams.answered {
		st.req.ctx.cancel(c.ctx.Err())
	}
}
