package h2

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"net"
	"net/http"
	"sync"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// A conn is a connection. One goroutine reads it, for as long as it lives (reader.go); the
// others are workers, which run handlers and write (flush.go), and the timer's (clock.go).
type conn struct {
	// These do not change.
	srv     *Server
	hs      *http.Server
	lim     *limits
	nc      net.Conn
	raw     net.Conn             // what is below TLS
	tls     *tls.ConnectionState // nil in cleartext
	remote  string
	handler http.Handler
	ctx     context.Context
	session sync.Map  // of those who plan promises
	epoch   time.Time // time 0 of every int64 that is a time here, in nanoseconds

	// These belong to the reader.
	in      input
	decoder *hpack.Decoder
	block   block     // the header block that is being read
	body    dataFrame // the DATA frame that is being read
	batch   []*stream // requests read since the last dispatch
	settled bool      // the client's first SETTINGS have come

	// mu guards all below, and what stream says it does. Whoever holds it does not block, but to
	// call hs.ConnState.
	mu      sync.Mutex
	streams map[uint32]*stream
	closed  graveyard
	state   http.ConnState

	clientStreams int       // open streams that the client began
	handlers      int       // requests whose handlers are queued or run, those of streams that have ended too
	waiting       []*stream // requests that have no handler because of that
	lastID        uint32
	promised      uint32 // the last promised stream
	promises      int    // open promised streams
	late          late

	// The client's SETTINGS.
	peerFrameSize int
	peerWindow    int32
	peerPush      bool
	peerStreams   uint32
	aware         bool                // the client uses the priorities of RFC 9218
	early         map[uint32]priority // of streams that it has not opened yet

	window   int32 // what may be sent
	received inflow
	ready    scheduler
	encoder  encoder

	output

	budget   int   // units of Server.ControlBudget that are left
	budgetAt int64 // when time last earned some
	moved    int   // bytes of DATA that have not yet earned

	clock
	ending
}

// serve serves nc until it ends. It runs on the goroutine that net/http gave the connection, which
// becomes the reader. With greeted, the client's preface has been read.
func (s *Server) serve(nc net.Conn, hs *http.Server, h http.Handler, lim *limits, ctx context.Context, greeted bool) {
	c := &conn{
		srv: s, hs: hs, lim: lim, nc: nc, raw: nc, handler: h, ctx: ctx, epoch: time.Now(),
		remote:        nc.RemoteAddr().String(),
		streams:       map[uint32]*stream{},
		state:         http.StateNew,
		peerFrameSize: minFrameSize,
		peerWindow:    defaultWindow,
		peerPush:      true,
		peerStreams:   1<<32 - 1,
		window:        defaultWindow,
		budget:        lim.budget,
	}
	defer nc.Close()
	// net/http has set deadlines for the handshake.
	nc.SetDeadline(time.Time{})
	if t, ok := nc.(interface{ ConnectionState() tls.ConnectionState }); ok {
		state := t.ConnectionState()
		c.tls = &state
	}
	if t, ok := nc.(*tls.Conn); ok {
		c.raw = t.NetConn()
	}
	c.decoder = hpack.NewDecoder(defaultTableSize, c.field)
	c.decoder.SetAllowedMaxDynamicTableSize(max(lim.decoderTable, defaultTableSize))
	c.decoder.SetMaxStringLength(2 * lim.headerBytes)
	c.encoder = encoder{limit: lim.encoderTable, max: defaultTableSize}
	c.encoder.resize(defaultTableSize)
	c.received.init(defaultWindow)

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

	err := c.weakTLS()
	if err == nil {
		err = c.greet(greeted)
	}
	if err == nil {
		err = c.read()
	}
	c.bury(err)
}

// weakTLS refuses what RFC 9113, section 9.2, forbids.
func (c *conn) weakTLS() error {
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
	case tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
		tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
		tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256, tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256:
		return nil
	}
	// RFC 9113, appendix A.
	return connError{http2.ErrCodeInadequateSecurity, "the cipher suite is prohibited"}
}

// greet reads the client's preface and sends the server's.
func (c *conn) greet(greeted bool) error {
	c.mu.Lock()
	c.sendSettings()
	c.kick()
	c.mu.Unlock()
	if greeted {
		return nil
	}
	for seen := 0; seen < len(http2.ClientPreface); {
		if over := c.dispatch(); over {
			return nil
		}
		if err := c.in.fill(c.nc, 0); err != nil && err != errNudged {
			return err
		}
		p := c.in.bytes()
		n := min(len(p), len(http2.ClientPreface)-seen)
		if string(p[:n]) != http2.ClientPreface[seen:seen+n] {
			// RFC 9113, section 3.4: an invalid preface is a connection error.
			return protocolError("the client's preface is invalid")
		}
		c.in.skip(n)
		seen += n
	}
	return nil
}

// now is the time, as the fields of the connection tell it.
func (c *conn) now() int64 { return int64(time.Since(c.epoch)) }

// setState tells hs.ConnState; mu is held, so that the states come in order.
func (c *conn) setState(s http.ConnState) {
	c.state = s
	if c.hs.ConnState != nil {
		c.hs.ConnState(c.nc, s)
	}
}

// open makes st one of the connection's streams; mu is held.
func (c *conn) open(st *stream) {
	c.streams[st.id] = st
	if st.parent == nil {
		c.clientStreams++
	} else {
		c.promises++
	}
	if c.state == http.StateIdle {
		c.setState(http.StateActive)
	}
}

// close ends st, for both sides; mu is held. It may be called again. A nil err says that the
// response was sent whole.
func (c *conn) close(st *stream, err error) {
	if st.dead {
		return
	}
	st.dead = true
	st.err = err
	if err == nil {
		st.err = errEnded
		c.earn(earnResponse)
	}
	delete(c.streams, st.id)
	c.closed.add(st.id, err)
	if st.parent == nil {
		c.clientStreams--
	} else {
		c.promises--
	}
	c.ready.remove(st)
	st.pending = nil
	st.prepared = nil
	c.settle(st, err)
	if err != nil {
		st.ctx.cancel(context.Canceled)
		if st.in != nil {
			c.refund(st.in.fail(err))
		}
	}
	st.signal()
	if len(c.streams) == 0 && c.state == http.StateActive {
		c.setState(http.StateIdle)
		c.idleFrom = c.now()
		c.arm(after(c.idleFrom, c.lim.idleTimeout))
		if c.in.wide.Load() {
			c.arm(c.idleFrom + int64(wideFor))
		}
		c.drained()
	}
}

// cancelStreams passes on that the context of the connection has ended.
func (c *conn) cancelStreams() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, st := range c.streams {
		st.ctx.cancel(c.ctx.Err())
	}
}

// reset ends the stream id with a RST_STREAM; mu is held.
func (c *conn) reset(id uint32, code http2.ErrCode) { c.resetFor(id, code, ResetError{Code: code}) }

// resetFor is reset, with what the stream's handler is told.
func (c *conn) resetFor(id uint32, code http2.ErrCode, err error) {
	c.out = appendFrame(c.outBuffer(), http2.FrameRSTStream, 0, id, 4)
	c.out = binary.BigEndian.AppendUint32(c.out, uint32(code))
	if st := c.streams[id]; st != nil {
		c.close(st, err)
	} else {
		c.closed.add(id, err)
	}
}

// spend takes n units of the budget, and says if they were there; mu is held.
func (c *conn) spend(n int) bool {
	if c.budget < n {
		if now := c.now(); now-c.budgetAt > int64(time.Second/earnPerSecond) {
			c.earn(int((now - c.budgetAt) * earnPerSecond / int64(time.Second)))
			c.budgetAt = now
		}
	}
	c.budget -= n
	return c.budget >= 0
}

// charge is spend, for those who do not hold mu.
func (c *conn) charge(n int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.spend(n)
}

// earnBytes earns for n bytes of DATA.
func (c *conn) earnBytes(n int) {
	c.moved += n
	c.earn(c.moved / bytesPerUnit)
	c.moved %= bytesPerUnit
}

func (c *conn) earn(n int) { c.budget = min(c.budget+n, c.lim.budget) }

var errFlood = connError{http2.ErrCodeEnhanceYourCalm, "too many frames that bring nothing"}
