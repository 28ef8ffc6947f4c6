package h2

import (
	"time"

	"golang.org/x/net/http2"
)

// The cost of what a client does that makes work and brings nothing, in units of
// Server.ControlBudget, and what earns units back. A client that takes what it asks
// for earns more than it spends, and one that only sends frames is at its end after
// some thousand.
const (
	// PING, one of SETTINGS, PRIORITY, WINDOW_UPDATE, CONTINUATION, empty DATA, 64
	// bytes of PRIORITY_UPDATE, frames of unknown types.
	costFrame       = 1
	priorityPerUnit = 64
	// A RST_STREAM, whether the client sent it or made the server send it
	// (MadeYouReset, CVE-2025-8671).
	costReset = 8
	// A header list that is too large, which is decoded all the same.
	costOversize = 16

	earnResponse  = 5   // a response that was delivered whole
	earnData      = 2   // a DATA frame that the client's windows let go out
	bytesPerUnit  = 512 // of DATA, either way
	earnPerSecond = 100
)

// errFlood ends a connection whose budget is spent. RFC 9113, section 10.5.
var errFlood = connError{http2.ErrCodeEnhanceYourCalm, "too many frames that bring nothing"}

// A budget is what a client may still do of that. conn.mu guards it.
type budget struct {
	left  int   // may be below zero; the connection ends then
	max   int   // left is never more
	since int64 // the time up to which seconds have been earned
	bytes int   // DATA that has not earned yet, less than bytesPerUnit
}

// spend takes n units, and reports whether they were there. What time has earned is
// looked at only when it matters.
func (b *budget) spend(n int, clock func() int64) bool {
	if b.left < n {
		if now := clock(); now-b.since > int64(time.Second/earnPerSecond) {
			b.earn(int((now - b.since) * earnPerSecond / int64(time.Second)))
			b.since = now
		}
	}
	b.left -= n
	return b.left >= 0
}

func (b *budget) earn(n int) { b.left = min(b.left+n, b.max) }

// earnBytes earns for n bytes of DATA.
func (b *budget) earnBytes(n int) {
	b.bytes += n
	b.earn(b.bytes / bytesPerUnit)
	b.bytes %= bytesPerUnit
}

// spend is budget.spend, at the connection's time.
func (c *conn) spend(n int) bool {
	c.mu.held()
	return c.budget.spend(n, c.now)
}

// charge is spend, for those who do not hold mu.
func (c *conn) charge(n int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.spend(n)
}
