package h2

import (
	"net/http"

	"golang.org/x/net/http2"
)

// handleHeaders begins a field block. RFC 9113, section 6.2.
func (r *reader) handleHeaders(f frame) error {
	if f.id%2 == 0 {
		// RFC 9113, section 5.1.1.
		return protocolError("HEADERS on a stream that the client cannot open")
	}
	p, err := r.beginBlock(f)
	if err != nil {
		return err
	}
	return r.decode(p, f.flags)
}

// handleContinuation goes on with a field block.
func (r *reader) handleContinuation(f frame) error {
	if r.block.id == 0 {
		// RFC 9113, section 6.10.
		return protocolError("CONTINUATION of nothing")
	}
	if !r.c.charge(costFrame) {
		return errFlood
	}
	return r.decode(f.payload, f.flags)
}

// decode decodes a part of the block, and handles the block if that was its last.
func (r *reader) decode(p []byte, flags http2.Flags) error {
	c, b := r.c, &r.block
	if err := r.decodeBlock(p, flags); err != nil {
		return err
	}
	if !flags.Has(flagEndHeaders) {
		// Only a block that does not end at once needs a timeout, and the lock.
		if b.began == 0 {
			b.began = c.now()
			r.limitHeader(after(b.began, c.lim.headerTimeout))
		}
		return nil
	}
	if b.began != 0 {
		r.limitHeader(0)
	}
	id, err := r.endBlock()
	if err != nil {
		return err
	}
	return r.finishBlock(id)
}

// limitHeader sets the time by which the block must have ended; 0 is none.
func (r *reader) limitHeader(at int64) {
	r.c.mu.Lock()
	defer r.c.mu.Unlock()
	r.c.clock.headerBy = at
	if at != 0 {
		r.c.arm(at)
	}
}

// finishBlock handles a complete block: a request, or its trailers.
func (r *reader) finishBlock(id uint32) error {
	b := &r.block
	defer b.clear()
	if id <= r.c.streams.lastClient {
		return r.handleTrailers(id)
	}
	prio, ignored, err := r.openable(id)
	switch {
	case ignored || err != nil:
		return err
	case b.dependsSelf:
		// RFC 9113, section 5.3.2, has deprecated the scheme, and says no more of
		// this. It was malformed before; h2spec asks for it.
		return streamError{id, http2.ErrCodeProtocol, "a stream that depends on itself"}
	}
	st := &stream{c: r.c, id: id}
	st.state.remoteDone = b.end
	st.turn.priority = prio
	if b.tooLarge {
		st.refuse(http.StatusRequestHeaderFieldsTooLarge, b)
	} else if reason := st.request(b); reason != "" {
		return streamError{id, http2.ErrCodeProtocol, reason}
	}
	r.begin(st)
	return nil
}

// openable notes that the client opens the stream id, and checks whether it may. It
// returns the priority that a PRIORITY_UPDATE has given it before. A stream that
// came after the final GOAWAY is ignored.
func (r *reader) openable(id uint32) (prio priority, ignored bool, err error) {
	c := r.c
	c.mu.Lock()
	defer c.mu.Unlock()
	// RFC 9113, section 5.1.1: idle streams below it are closed now. This holds
	// also if the request is refused or malformed.
	c.streams.lastClient = id
	if p, ok := c.client.early[id]; ok {
		prio = p
		delete(c.client.early, id)
	}
	switch {
	case r.block.tooLarge && !c.spend(costOversize):
		return prio, false, errFlood
	case c.afterGoAway(id):
		return prio, true, nil
	case c.streams.clients >= c.lim.streams:
		// RFC 9113, section 5.1.2.
		return prio, false, streamError{id, http2.ErrCodeRefusedStream, "too many streams"}
	case !r.block.tooLarge && !c.headerRoom(r.block.cost()):
		return prio, false, streamError{id, http2.ErrCodeRefusedStream, "no memory for headers"}
	}
	return prio, false, nil
}
