package h2

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"golang.org/x/net/http2"
)

const (
	// drainTimeout is how long the client may take to answer the PING that follows
	// the first GOAWAY, before the final one is sent.
	drainTimeout = 250 * time.Millisecond

	// A connection is not closed at once when it is over: if it is closed with
	// unread data, TCP discards what is under way to the client, the GOAWAY
	// included. It stays open for closeDelay, or, if the client keeps sending
	// frames, for up to maxCloseDelay; after an error for errorCloseDelay.
	closeDelay      = 250 * time.Millisecond
	maxCloseDelay   = 5 * time.Second
	errorCloseDelay = time.Second

	// maxDiscarded bounds what is read after an error.
	maxDiscarded = 4 << 20
)

// The stages of a connection's end. It may skip some, but never goes back.
const (
	serving   = iota
	announced // a GOAWAY that excludes no stream is sent: RFC 9113, section 6.8
	final     // one that excludes streams is sent; with the others ends the connection
	failed    // it ended by an error of the client's
)

// An ending is how far a connection's end is. conn.mu guards it.
type ending struct {
	stage   int
	lastID  uint32 // the last stream that the final GOAWAY includes; what comes above is ignored
	finalBy int64  // when the final GOAWAY is sent at the latest; 0: it is not due
	closeAt int64  // when the connection is closed; 0: it has streams or output left
	closeBy int64  // what closeAt may be moved to
}

// shutdownPing is the PING that follows the first GOAWAY: when it is answered, all
// requests that the client sent before it knew have come.
var shutdownPing = [8]byte{'g', 'o', ' ', 'a', 'w', 'a', 'y', '!'}

// shutdown ends the connections of hs when their streams have ended;
// http.Server.Shutdown calls it.
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
		c.scheduleFlush()
		c.mu.Unlock()
	}
}

// shutdown begins a graceful end. RFC 9113, section 6.8: first a GOAWAY that
// excludes nothing, and after a round trip one that says what was taken.
func (c *conn) shutdown() {
	c.mu.held()
	if c.ending.stage != serving || c.out.broken != nil {
		return
	}
	c.ending.stage = announced
	c.out.goAway(maxStreamID, http2.ErrCodeNo, "")
	c.out.ping(0, shutdownPing[:])
	c.ending.finalBy = c.now() + int64(drainTimeout)
	c.arm(c.ending.finalBy)
}

// handlePong handles the answer to a PING.
func (c *conn) handlePong(data [8]byte) {
	if data == shutdownPing && c.ending.stage == announced {
		c.finalGoAway()
	}
}

// finalGoAway tells the client the last stream that was taken up, and ends the
// connection when those that there are have ended.
func (c *conn) finalGoAway() {
	c.ending.finalBy = 0
	if c.ending.stage >= final {
		return
	}
	c.ending.stage = final
	c.ending.lastID = c.streams.lastClient
	c.out.goAway(c.ending.lastID, http2.ErrCodeNo, "")
	c.closeIfDrained()
}

// afterGoAway reports whether the stream id came after the final GOAWAY, and is
// ignored. RFC 9113, section 6.8.
func (c *conn) afterGoAway(id uint32) bool {
	if c.ending.stage < final || id <= c.ending.lastID {
		return false
	}
	c.streams.closed.add(id, ResetError{})
	return true
}

// closeIfDrained closes a connection that is going away when it has nothing left to
// do.
func (c *conn) closeIfDrained() {
	e := &c.ending
	if e.stage != final || e.closeAt != 0 {
		return
	}
	if len(c.streams.open) > 0 || c.out.flushing || len(c.out.buf) > 0 {
		return
	}
	e.closeAt = c.now() + int64(closeDelay)
	e.closeBy = c.now() + int64(maxCloseDelay)
	c.arm(e.closeAt)
}

// delayClose reports whether the closing of the connection is put off, because the
// client still sends frames.
func (c *conn) delayClose(now int64) bool {
	e := &c.ending
	next := c.clock.heard.Load() + int64(closeDelay)
	if e.stage != final || next <= now || now >= e.closeBy {
		return false
	}
	e.closeAt = min(next, e.closeBy)
	c.arm(e.closeAt)
	return true
}

// failConn ends the connection because of an error of the client: RFC 9113, section
// 5.4.1. All streams are closed, and a GOAWAY is sent.
func (c *conn) failConn(err connError) {
	c.mu.held()
	if c.ending.stage == failed || c.out.broken != nil {
		return
	}
	c.ending.stage = failed
	c.ending.lastID = c.streams.lastClient
	c.loseAll(err)
	c.out.goAway(c.ending.lastID, err.code, err.reason)
	c.ending.closeAt = c.now() + int64(errorCloseDelay)
	c.arm(c.ending.closeAt)
	c.scheduleFlush()
}

// teardown ends the connection after the reader has ended, with err. Afterwards
// only handlers that have not returned yet still use the connection, to no effect.
func (r *reader) teardown(err error) {
	c := r.c
	var e connError
	if errors.As(err, &e) {
		c.count("conn", e.code, e.reason)
		c.mu.Lock()
		c.failConn(e)
		if !c.out.flushing {
			c.flush(nil)
		}
		c.mu.Unlock()
	}
	r.discard() // until the client has seen why
	c.mu.Lock()
	defer c.mu.Unlock()
	c.abort(errGone)
	c.stopClock()
	r.in.release()
}

// discard reads what the client still sends after an error, until it closes the
// connection or the clock does.
func (r *reader) discard() {
	r.c.mu.Lock()
	wanted := r.c.ending.stage == failed && r.c.out.broken == nil
	r.c.mu.Unlock()
	for n := 0; wanted && n < maxDiscarded; {
		r.in.r, r.in.w = 0, 0
		if r.in.fill(r.c.nc, 0) != nil {
			return
		}
		n += r.in.w
	}
}

// count tells http.HTTP2Config's CountError of an error of the client's, as a word
// that can name a metric, as x/net's does. It needs no lock, and is not called with
// one.
func (c *conn) count(what string, code http2.ErrCode, reason string) {
	if c.lim.countError == nil {
		return
	}
	c.lim.countError(strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			return r
		case r >= 'A' && r <= 'Z':
			return r - 'A' + 'a'
		}
		return '_'
	}, what+" "+code.String()+" "+reason))
}
