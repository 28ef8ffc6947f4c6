package h2

import (
	"encoding/binary"
	"net/http"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// A block is the field block of a HEADERS frame and the CONTINUATION frames that
// follow it. RFC 9113, section 4.3.
type block struct {
	id          uint32 // 0: none is being read
	end         bool   // END_STREAM
	began       int64  // when its first frame came, if that did not end it
	parts       int    // frames that came
	raw         int    // bytes that came, without those that the trimmer has cut
	size        int    // bytes of the fields, as SETTINGS_MAX_HEADER_LIST_SIZE counts
	tooLarge    bool
	dependsSelf bool // its priority names the stream itself; otherwise it is ignored
	fields      []hpack.HeaderField
}

// handleHeaders begins a field block. RFC 9113, section 6.2.
func (r *reader) handleHeaders(f frame) error {
	if f.id%2 == 0 {
		// RFC 9113, section 5.1.1.
		return protocolError("HEADERS on a stream that the client cannot open")
	}
	p := f.payload
	pad := 0
	if f.flags.Has(flagPadded) {
		if len(p) == 0 {
			return frameSizeError("padded HEADERS without the length of the padding")
		}
		pad = int(p[0])
		p = p[1:]
	}
	r.block = block{id: f.id, end: f.flags.Has(flagEndStream), fields: r.block.fields[:0]}
	if f.flags.Has(flagPriority) {
		if len(p) < 5 {
			return frameSizeError("HEADERS too short for their priority")
		}
		r.block.dependsSelf = binary.BigEndian.Uint32(p)&maxStreamID == f.id
		p = p[5:]
	}
	if pad > len(p) {
		return protocolError("HEADERS with more padding than payload")
	}
	r.decoder.SetEmitEnabled(true)
	return r.decode(p[:len(p)-pad], f.flags)
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

// decode decodes a part of the block. What is beyond the limits is decoded too,
// since the decoder's table depends on it, but not kept. RFC 9113, section 4.3.
func (r *reader) decode(p []byte, flags http2.Flags) error {
	c, b := r.c, &r.block
	// A block within one frame of the usual size has no string that could be too long.
	if b.parts++; b.parts > 1 || !flags.Has(flagEndHeaders) || len(p) > minFrameSize {
		if b.parts == 1 {
			r.trimmer.init(c.lim.headerBytes, r.tableSize())
		}
		if p = r.trimmer.trim(p); r.trimmer.cut {
			b.tooLarge = true
			r.decoder.SetEmitEnabled(false)
		}
	}
	// A block that is too large is decoded and answered 431, up to twice the limit.
	// One that goes on beyond that may never end (CVE-2024-27316).
	b.raw += len(p)
	if b.raw > 2*c.lim.headerBytes {
		return connError{http2.ErrCodeEnhanceYourCalm, "a field block that does not end"}
	}
	if _, err := r.decoder.Write(p); err != nil {
		return connError{http2.ErrCodeCompression, err.Error()}
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
	id := b.id
	b.id = 0 // other frames may come again
	if err := r.decoder.Close(); err != nil {
		return connError{http2.ErrCodeCompression, err.Error()}
	}
	return r.finishBlock(id)
}

// tableSize is the size of the largest table that the decoder may have.
func (r *reader) tableSize() int { return int(max(r.c.lim.decoderTable, defaultTableSize)) }

// limitHeader sets the time by which the block must have ended; 0 is none.
func (r *reader) limitHeader(at int64) {
	r.c.mu.Lock()
	defer r.c.mu.Unlock()
	r.c.clock.headerBy = at
	if at != 0 {
		r.c.arm(at)
	}
}

// field is called by the decoder with each field, until the limits are reached. RFC
// 9113, section 10.5.1: what is beyond them need not be kept.
func (r *reader) field(f hpack.HeaderField) {
	b := &r.block
	b.size += int(f.Size())
	if b.size > r.c.lim.headerBytes || len(b.fields) == r.c.lim.headerFields {
		b.tooLarge = true
		r.decoder.SetEmitEnabled(false)
		return
	}
	b.fields = append(b.fields, f)
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

// keptFields is how many fields a connection keeps room for between requests.
const keptFields = 64

// clear lets go of the fields. The slice is reused; the strings are the request's.
func (b *block) clear() {
	clear(b.fields)
	if cap(b.fields) > keptFields {
		b.fields = nil
	}
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
