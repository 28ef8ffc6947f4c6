package h2

import (
	"encoding/binary"
	"errors"
	"math"
	"net/http"
	"strings"
	"time"

	"golang.org/x/net/http2"
)

const (
	// farewell is how long the client may take to answer the first GOAWAY's PING.
	farewell = 250 * time.Millisecond
	// linger is how long a connection that has ended well stays open for the client to read the
	// GOAWAY, and lingerError one that has not: closing it with something unread would have TCP
	// throw away what is under way.
	// A client that goes on speaking, as one does that still reads, is given lingerMost.
	linger      = 250 * time.Millisecond
	lingerMost  = 5 * time.Second
	lingerError = time.Second
)

// The stages of a connection's end.
const (
	serving   = iota
	announced // GOAWAY that excludes no stream is sent. RFC 9113, section 6.8
	final     // GOAWAY that excludes streams is sent; when the others have ended, so does the connection
	doomed    // it ended by an error
)

// An ending is how far a connection's end is.
type ending struct {
	stage   int
	lastOK  uint32 // the last stream that the final GOAWAY includes
	finalBy int64  // when the final GOAWAY is sent at the latest
	deadAt  int64  // when the connection is closed
	lastAt  int64  // when it is at the latest
	unacked int    // SETTINGS that the client has not acknowledged
}

// shutdownPing is the PING that follows the first GOAWAY: when it is answered, all requests that the
// client sent before it knew have come.
var shutdownPing = [8]byte{'g', 'o', ' ', 'a', 'w', 'a', 'y', '!'}

// shutdown ends the connections of hs when their streams have ended; http.Server.Shutdown calls it.
func (s *Server) shutdown(hs *http.Server) {
	s.mu.Lock()
	conns := make([]*conn, 0, len(s.conns))
	for c := range s.conns {
		if c.hs == hs {
			conns = append(conns, c)
		}
	}
	s.mu.Unlock()
	for _, c := range conns {
		c.mu.Lock()
		c.shutdown()
		c.kick()
		c.mu.Unlock()
	}
}

// shutdown begins a graceful end; mu is held. RFC 9113, section 6.8: first a GOAWAY that
// excludes nothing, and after a round trip one that says what was taken.
func (c *conn) shutdown() {
	if c.stage != serving || c.broken != nil {
		return
	}
	c.stage = announced
	c.goAway(maxStreamID, http2.ErrCodeNo, "")
	c.ping(shutdownPing)
	c.finalBy = c.now() + int64(farewell)
	c.arm(c.finalBy)
}

// pong handles the answer to a PING.
func (c *conn) pong(data [8]byte) {
	if data == shutdownPing && c.stage == announced {
		c.finalGoAway()
	}
}

func (c *conn) finalGoAway() {
	c.finalBy = 0
	if c.stage >= final {
		return
	}
	c.stage = final
	c.lastOK = c.lastID
	c.goAway(c.lastOK, http2.ErrCodeNo, "")
	c.drained()
}

func (c *conn) goAway(last uint32, code http2.ErrCode, debug string) {
	c.out = appendFrame(c.outBuffer(), http2.FrameGoAway, 0, 0, 8+len(debug))
	c.out = binary.BigEndian.AppendUint32(c.out, last)
	c.out = binary.BigEndian.AppendUint32(c.out, uint32(code))
	c.out = append(c.out, debug...)
}

// leaving says if the stream id came after the final GOAWAY, and is ignored; mu is held.
func (c *conn) leaving(id uint32) bool {
	if c.stage < final || id <= c.lastOK {
		return false
	}
	c.closed.add(id, ResetError{})
	return true
}

// drained closes a connection that is going away when it has nothing left to do; mu is held.
func (c *conn) drained() {
	if c.stage != final || len(c.streams) > 0 || c.flushing || len(c.out) > 0 || c.deadAt != 0 {
		return
	}
	c.deadAt = c.now() + int64(linger)
	c.lastAt = c.now() + int64(lingerMost)
	c.arm(c.deadAt)
}

// lingers says if a client that has been told the end still speaks, and so still reads: then the
// connection stays for a while, or what is in the kernel's buffers would be lost. mu is held.
func (c *conn) lingers(now int64) bool {
	next := c.heard.Load() + int64(linger)
	if c.stage != final || next <= now || now >= c.lastAt {
		return false
	}
	c.deadAt = min(next, c.lastAt)
	c.arm(c.deadAt)
	return true
}

// doom ends the connection by an error of the client's; mu is held. RFC 9113, section 5.4.1.
func (c *conn) doom(e connError) {
	if c.stage == doomed || c.broken != nil {
		return
	}
	c.stage = doomed
	c.lastOK = c.lastID
	for _, st := range c.streams {
		c.close(st, e)
	}
	c.goAway(c.lastID, e.code, e.reason)
	c.deadAt = c.now() + int64(lingerError)
	c.arm(c.deadAt)
	c.kick()
}

// bury ends the connection when the reader has: because of err, or because the client has gone.
func (c *conn) bury(err error) {
	var e connError
	if errors.As(err, &e) {
		c.count("conn", e.code, e.reason)
		c.mu.Lock()
		c.doom(e)
		if !c.flushing {
			c.flush(nil)
		}
		c.mu.Unlock()
	}
	if c.doomed() {
		c.discard()
	}
	c.mu.Lock()
	c.fail(errGone)
	if c.timer != nil {
		c.timer.Stop()
		c.armed = math.MinInt64
	}
	c.in.release()
	c.mu.Unlock()
}

func (c *conn) doomed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.stage == doomed && c.broken == nil
}

// maxDiscarded bounds what discard reads.
const maxDiscarded = 4 << 20

// discard reads what the client still sends until it closes the connection or the clock does.
func (c *conn) discard() {
	for n := 0; n < maxDiscarded; {
		c.in.r, c.in.w = 0, 0
		if c.in.fill(c.nc, 0) != nil {
			return
		}
		n += c.in.w
	}
}

// count tells http.HTTP2Config's CountError.
func (c *conn) count(what string, code http2.ErrCode, reason string) {
	if c.lim.countError == nil {
		return
	}
	name := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			return r
		case r >= 'A' && r <= 'Z':
			return r - 'A' + 'a'
		}
		return '_'
	}, what+" "+code.String()+" "+reason)
	c.lim.countError(name)
}
