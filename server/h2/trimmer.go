package h2

import "bytes"

// A trimmer cuts strings that are too long out of a field block, before it is decoded:
// the request is refused with 431, and the connection goes on. The decoder's table must
// be that of the client all the same (RFC 9113, section 4.3). It is, because a field
// that is larger than the table leaves it empty, however large it is (RFC 7541, section
// 4.4); so a string that is just larger takes the place of the one that is cut.
type trimmer struct {
	limit int  // the longest string, as it is encoded, that is passed on
	table int  // the size of the largest table
	cut   bool // a string was cut

	step    step
	strings int    // how many of the field come after what is read now
	length  []byte // of a string, as it is encoded
	left    uint64 // octets of the string to come
}

// A step is what of a field is read. RFC 7541, section 6.
type step uint8

const (
	atField  step = iota // its first octet
	inIndex              // the rest of its index, or of a size of the table
	inLength             // the length of a string
	inString             // a string that is passed on
	inCut                // one that is cut
	atFault              // what the decoder will not take either
)

// init prepares t for a new block. A string of Huffman's code has at least four
// fifteenths of its length, so that one beyond the limit is larger than the table.
func (t *trimmer) init(headerBytes, table int) {
	*t = trimmer{limit: max(headerBytes, 4*table), table: table, length: t.length[:0]}
}

// trim returns p, the next part of a block, without what is cut.
func (t *trimmer) trim(p []byte) []byte {
	out := make([]byte, 0, len(p))
	for len(p) > 0 {
		n := 1
		switch t.step {
		case atField:
			t.begin(p[0])
		case inIndex:
			if p[0] < 0x80 {
				t.next()
			}
		case inLength:
			t.length = append(t.length, p[0])
			out = t.beginString(out)
			p = p[1:]
			continue
		case inString, inCut:
			n = int(min(uint64(len(p)), t.left))
			if t.left -= uint64(n); t.step == inCut {
				out, p, n = t.endCut(out), p[n:], 0
			} else if t.left == 0 {
				t.next()
			}
		case atFault:
			n = len(p)
		}
		out = append(out, p[:n]...)
		p = p[n:]
	}
	return out
}

// begin reads the first octet of a field. RFC 7541, sections 6.1 to 6.3.
func (t *trimmer) begin(b byte) {
	mask := byte(0x0f)
	t.strings = 1
	switch {
	case b >= 0x80:
		mask, t.strings = 0x7f, 0
	case b >= 0x40:
		mask = 0x3f
	case b >= 0x20:
		mask, t.strings = 0x1f, 0
	}
	switch b & mask {
	case mask:
		t.step = inIndex
		return
	case 0:
		t.strings *= 2 // the name is a string too
	}
	t.next()
}

// next goes on to the next string of the field, or to the next field.
func (t *trimmer) next() {
	t.step = atField
	if t.strings > 0 {
		t.strings--
		t.step, t.length = inLength, t.length[:0]
	}
}

// beginString decides what becomes of a string, if all of its length has come, and
// passes that on. RFC 7541, section 5.2.
func (t *trimmer) beginString(out []byte) []byte {
	n, shift := uint64(t.length[0]&0x7f), 0
	if n == 0x7f {
		last := t.length[len(t.length)-1]
		if len(t.length) == 1 || last >= 0x80 && len(t.length) < 9 {
			return out // there is more
		}
		if last >= 0x80 {
			t.step = atFault // RFC 7541, section 5.1: a decoding error
		}
		for _, b := range t.length[1:] {
			n += uint64(b&0x7f) << shift
			shift += 7
		}
	}
	t.left = n
	switch {
	case t.step == atFault:
	case n > uint64(t.limit):
		t.step, t.cut = inCut, true
		return out
	case n == 0:
		out = append(out, t.length...)
		t.next()
		return out
	default:
		t.step = inString
	}
	return append(out, t.length...)
}

// endCut puts the string that takes the place of one that is cut into the block, when
// all of that has come.
func (t *trimmer) endCut(out []byte) []byte {
	if t.left > 0 {
		return out
	}
	t.next()
	out = appendInt(out, 0, 7, uint64(t.table+1))
	return append(out, bytes.Repeat([]byte{'x'}, t.table+1)...)
}
