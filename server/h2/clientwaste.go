package h2

import "golang.org/x/net/http2"

// How many frames a server may send that are for nothing: on streams that the client has reset, of
// types that it does not know, without a payload. They may have been under way, a window of tiny
// ones for each stream, so that a stream allows some more. A flood of them would keep the reader busy.
const (
	maxWasted       = 20_000
	wastedPerStream = 4000
)

// waste counts a frame that is for nothing. A server that sends too many ends the connection.
func (c *ClientConn) waste() error {
	c.mu.held()
	if c.wasted++; c.wasted > maxWasted {
		return connError{http2.ErrCodeEnhanceYourCalm, "too many frames that are for nothing"}
	}
	return nil
}

// forgive lets a server waste some more frames, for a stream that is opened.
func (c *ClientConn) forgive() {
	c.mu.held()
	c.wasted = max(c.wasted-wastedPerStream, 0)
}
