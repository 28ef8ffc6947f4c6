package h2

import (
	"encoding/binary"

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

// A fieldReader reads field blocks, within limits. It belongs to the goroutine that
// reads the connection.
type fieldReader struct {
	maxBytes  int // of a header list, as RFC 9113, section 10.5.1, counts them
	maxFields int
	table     int // the size of the largest table that the decoder may have

	decoder *hpack.Decoder
	block   block   // the block that is being read
	trimmer trimmer // of a block that goes on in CONTINUATION frames
}

// init prepares the reader for the first block. The peer may use a table of the
// default size until it has acknowledged a smaller one: RFC 7541, section 4.2. The
// trimmer sees to strings that are too long.
func (r *fieldReader) init(maxBytes, maxFields, table int) {
	r.maxBytes, r.maxFields, r.table = maxBytes, maxFields, max(table, defaultTableSize)
	r.decoder = hpack.NewDecoder(defaultTableSize, r.field)
	r.decoder.SetAllowedMaxDynamicTableSize(uint32(r.table))
}

// beginBlock begins the block of a HEADERS frame, and returns its first part. RFC
// 9113, section 6.2.
func (r *fieldReader) beginBlock(f frame) (p []byte, err error) {
	p = f.payload
	pad := 0
	if f.flags.Has(flagPadded) {
		if len(p) == 0 {
			return nil, frameSizeError("padded HEADERS without the length of the padding")
		}
		pad = int(p[0])
		p = p[1:]
	}
	r.block = block{id: f.id, end: f.flags.Has(flagEndStream), fields: r.block.fields[:0]}
	if f.flags.Has(flagPriority) {
		if len(p) < 5 {
			return nil, frameSizeError("HEADERS too short for their priority")
		}
		r.block.dependsSelf = binary.BigEndian.Uint32(p)&maxStreamID == f.id
		p = p[5:]
	}
	if pad > len(p) {
		return nil, protocolError("HEADERS with more padding than payload")
	}
	r.decoder.SetEmitEnabled(true)
	return p[:len(p)-pad], nil
}

// decodeBlock decodes a part of the block. What is beyond the limits is decoded too,
// since the decoder's table depends on it, but not kept. RFC 9113, section 4.3.
func (r *fieldReader) decodeBlock(p []byte, flags http2.Flags) error {
	b := &r.block
	// A block within one frame of the usual size has no string that could be too long.
	if b.parts++; b.parts > 1 || !flags.Has(flagEndHeaders) || len(p) > minFrameSize {
		if b.parts == 1 {
			r.trimmer.init(r.maxBytes, r.table)
		}
		if p = r.trimmer.trim(p); r.trimmer.cut {
			b.tooLarge = true
			r.decoder.SetEmitEnabled(false)
		}
	}
	// A block that is too large is decoded and refused by itself, up to twice the
	// limit. One that goes on beyond that may never end (CVE-2024-27316).
	b.raw += len(p)
	if b.raw > 2*r.maxBytes {
		return connError{http2.ErrCodeEnhanceYourCalm, "a field block that does not end"}
	}
	if _, err := r.decoder.Write(p); err != nil {
		return connError{http2.ErrCodeCompression, err.Error()}
	}
	return nil
}

// endBlock ends the block, after which other frames may come again, and returns its
// stream.
func (r *fieldReader) endBlock() (id uint32, err error) {
	id = r.block.id
	r.block.id = 0
	if err := r.decoder.Close(); err != nil {
		return 0, connError{http2.ErrCodeCompression, err.Error()}
	}
	return id, nil
}

// field is called by the decoder with each field, until the limits are reached. RFC
// 9113, section 10.5.1: what is beyond them need not be kept.
func (r *fieldReader) field(f hpack.HeaderField) {
	b := &r.block
	b.size += int(f.Size())
	if b.size > r.maxBytes || len(b.fields) == r.maxFields {
		b.tooLarge = true
		r.decoder.SetEmitEnabled(false)
		return
	}
	b.fields = append(b.fields, f)
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
