package h2

import "golang.org/x/net/http2"

// A dataFrame is a DATA frame that is being read. Its payload is handled in the
// pieces that it comes in, so that a frame may be larger than the input's buffer.
type dataFrame struct {
	active bool
	st     *stream // nil: the payload is discarded
	left   int     // bytes of the payload to come, without the padding
	pad    int     // bytes of padding to come
	padded bool    // the length of the padding is to come
	end    bool    // END_STREAM
}

// handleData handles the header of a DATA frame. RFC 9113, section 6.1: the whole
// payload counts for the windows, padding included. Section 6.9: it counts for the
// window of the connection even if the frame is refused or ignored.
func (r *reader) handleData(f frame) error {
	c := r.c
	if f.id%2 == 0 || c.streams.idle(f.id) {
		// RFC 9113, section 5.1. The client may not send on a promised stream.
		return protocolError("DATA on a stream that the client has not opened")
	}
	padded, end := f.flags.Has(flagPadded), f.flags.Has(flagEndStream)
	if padded && f.length == 0 {
		return frameSizeError("padded DATA without the length of the padding")
	}
	// From here on a stream error leaves the payload to be read and discarded.
	r.data = dataFrame{active: true, left: f.length, padded: padded, end: end}
	c.mu.Lock()
	defer c.mu.Unlock()
	// An empty frame that ends nothing: CVE-2019-9518.
	if f.length == 0 && !end && !c.spend(costFrame) {
		return errFlood
	}
	if !c.flow.in.take(f.length) {
		return connError{http2.ErrCodeFlowControl, "DATA beyond the window of the connection"}
	}
	c.budget.earnBytes(f.length)
	st := c.streams.open[f.id]
	if st == nil {
		c.refund(f.length)
		return lateData(f.id, c.streams.closed.how(f.id))
	}
	if st.state.remoteDone {
		c.refund(f.length)
		return streamError{f.id, http2.ErrCodeStreamClosed, "DATA after END_STREAM"}
	}
	if !st.flow.in.take(f.length) {
		c.refund(f.length)
		return streamError{f.id, http2.ErrCodeFlowControl, "DATA beyond the window of the stream"}
	}
	r.data.st = st
	return nil
}

// lateData returns the error for DATA on a closed stream, by how it was closed. RFC
// 9113, section 5.1.
func lateData(id uint32, how uint8) error {
	switch how {
	case byLocal:
		return nil // it may have been under way
	case byEnd:
		return connError{http2.ErrCodeStreamClosed, "DATA on a closed stream"}
	}
	return streamError{id, http2.ErrCodeStreamClosed, "DATA on a closed stream"}
}

// handlePayload handles the part of a DATA frame's payload that has come, and
// returns how many bytes of p belong to it.
func (r *reader) handlePayload(p []byte) (n int, err error) {
	d := &r.data
	if d.padded {
		if err := r.handlePadLength(int(p[0])); err != nil {
			return 1, err
		}
		n, p = 1, p[1:]
	}
	m := min(d.left, len(p))
	if m > 0 && d.st != nil {
		err = r.deliver(p[:m])
	}
	d.left -= m
	skipped := min(d.pad, len(p)-m)
	d.pad -= skipped
	if d.left == 0 && d.pad == 0 {
		d.active = false
		if d.end && d.st != nil && err == nil {
			err = r.endBody(d.st)
		}
	}
	return n + m + skipped, err
}

// handlePadLength handles the first octet of a padded frame. The handler never sees
// padding, so it is given back to the windows here.
func (r *reader) handlePadLength(pad int) error {
	d := &r.data
	d.padded = false
	d.left--
	d.pad = pad
	if d.pad > d.left {
		// RFC 9113, section 6.1.
		return protocolError("DATA with more padding than payload")
	}
	d.left -= d.pad
	if d.st != nil {
		r.c.consumed(d.st, 1+d.pad)
	}
	// A frame of padding only is as good as an empty one.
	if d.left == 0 && !d.end && !r.c.charge(costFrame) {
		return errFlood
	}
	return nil
}

// deliver hands a piece of the payload to the body of its request.
func (r *reader) deliver(p []byte) error {
	d := &r.data
	// What the body keeps is given back to the windows when the handler reads it.
	switch kept, ok := d.st.req.body.write(p); {
	case !ok:
		id := d.st.id
		r.refund(d.left)
		d.st = nil
		// RFC 9113, section 8.1.1.
		return streamError{id, http2.ErrCodeProtocol, "more DATA than content-length"}
	case !kept:
		r.refund(len(p)) // nobody will read it
	}
	return nil
}

// refund is conn.refund, without mu.
func (r *reader) refund(n int) {
	r.c.mu.Lock()
	r.c.refund(n)
	r.c.mu.Unlock()
}

// endBody ends the client's side of st, whose END_STREAM has come. The handler must
// not learn it before remoteDone is set: when it has sent its response, endLocal
// would reset the stream.
func (r *reader) endBody(st *stream) error {
	r.c.mu.Lock()
	defer r.c.mu.Unlock()
	whole := st.req.body.end()
	if st.state.closed {
		return nil
	}
	if !whole {
		// RFC 9113, section 8.1.1.
		return streamError{st.id, http2.ErrCodeProtocol, "less DATA than content-length"}
	}
	st.state.remoteDone = true
	return nil
}
