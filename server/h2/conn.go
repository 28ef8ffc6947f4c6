package h2

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"sync"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// A conn is a connection.
//
// Four kinds of goroutines meet in it: the reader, which net/http gave the connection and which lives as
// long as that (reader.go); workers, which run handlers and write what is to be written (workers.go,
// flush.go); the one of the timer (clock.go); and those that handlers start for themselves.
//
// The first fields do not change. reader belongs to the goroutine of that name, which alone calls its
// methods, without mu. mu guards all fields below it, and those of each stream of which stream says so.
// Whoever holds it does not block, so that a client that does not read cannot stop the connection; the
// hooks that are called under it (http.Server's ConnState, and settled of a Promiser) must not either.
//
// Methods of conn are called with mu held. The exceptions, which lock it themselves or need no lock, say
// so. The tests check both: see mutex and goroutine.
//
// Locks are taken in the order response.mu, conn.mu, body.mu, workers.mu. While a conn's is held, that
// of no other conn is taken.
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
	sentPromises sentPromises
	client       clientSettings
	flow         flow
	ready        scheduler
	encoder      encoder
	out          output
	budget       budget
	clock        clock
	ending       ending
}

// serve serves nc until it ends. It runs on the goroutine that net/http gave the connection, which
// becomes the reader. With prefaceRead, the client's preface has been read.
func (s *Server) serve(ctx context.Context, nc net.Conn, hs *http.Server, h http.Handler, lim *limits, prefaceRead bool) {
	c := newConn(ctx, s, nc, hs, h, lim)
	defer nc.Close()
	// net/http has set deadlines for the handshake.
	nc.SetDeadline(time.Time{})

	s.enter(c)
	defer s.leave(c)
	c.mu.Lock()
	c.setState(http.StateActive)
	c.setState(http.StateIdle)
	c.startClock()
	c.mu.Unlock()
	if c.ctx.Done() != nil {
		defer context.AfterFunc(c.ctx, c.cancelStreams)()
	}

	err := c.checkTLS()
	if err == nil {
		err = c.reader.run(prefaceRead)
	}
	c.reader.teardown(err)
}

// newConn makes the connection, as it is before either side has said anything: RFC 9113, section 6.5.2,
// has the client's SETTINGS of then.
func newConn(ctx context.Context, s *Server, nc net.Conn, hs *http.Server, h http.Handler, lim *limits) *conn {
	c := &conn{
		srv: s, hs: hs, lim: lim, nc: nc, raw: nc, handler: h, ctx: ctx, epoch: time.Now(),
		remote: nc.RemoteAddr().String(),
		state:  http.StateNew,
	}
	if t, ok := nc.(interface{ ConnectionState() tls.ConnectionState }); ok {
		state := t.ConnectionState()
		c.tls = &state
	}
	if t, ok := nc.(*tls.Conn); ok {
		c.raw = t.NetConn()
	}
	c.reader.c = c
	c.reader.goroutine.own()
	c.reader.decoder = hpack.NewDecoder(defaultTableSize, c.reader.field)
	c.reader.decoder.SetAllowedMaxDynamicTableSize(max(lim.decoderTable, defaultTableSize))
	c.reader.decoder.SetMaxStringLength(2 * lim.headerBytes)

	c.streams.open = map[uint32]*stream{}
	c.client = clientSettings{frameSize: minFrameSize, window: defaultWindow, push: true, streams: 1<<32 - 1}
	c.flow.out.n = defaultWindow
	c.flow.in.init(defaultWindow)
	c.encoder = encoder{limit: lim.encoderTable, max: defaultTableSize}
	c.encoder.resize(defaultTableSize)
	c.budget = budget{left: lim.budget, max: lim.budget}
	return c
}

// checkTLS refuses what RFC 9113, section 9.2, forbids. It needs no lock.
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

// now is the time, as the fields of the connection tell it. It needs no lock.
func (c *conn) now() int64 { return int64(time.Since(c.epoch)) }

// setState tells hs.ConnState, under mu so that the states come in order.
func (c *conn) setState(s http.ConnState) {
	c.state = s
	if c.hs.ConnState != nil {
		c.hs.ConnState(c.nc, s)
	}
}

// cancelStreams tells the requests that the context of the connection has ended. It locks mu.
func (c *conn) cancelStreams() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, st := range c.streams.open {
		st.req.ctx.cancel(c.ctx.Err())
	}
}
