package h2

import (
	"hash/maphash"
	"strconv"

	"golang.org/x/net/http2/hpack"
)

// An encoder is an HPACK encoder (RFC 7541) for the fields of responses. Names come
// with their static index. A lookup in the dynamic table is one probe. A field is
// added to the table when it is sent the second time, so that values that differ in
// each response (an ETag, an id) displace nothing; or the first time, if it is likely
// that no other has its name there, which others can refer to then. Cookies are never
// indexed, and lengths are not worth it.
//
// Its table is the one that the client's decoder has after the same blocks. So what
// it has encoded must be sent, in the same order. conn.mu guards it.
type encoder struct {
	limit  uint32 // what the server allows
	max    uint32 // the size of the table: the least of limit and what the client allows
	least  uint32 // the smallest that max was since the last block
	resync bool   // max has changed since the last block
	size   uint32

	// ring holds the table: entry n (counted from the first that ever was) is
	// ring[n % len(ring)], for n from first to next-1.
	ring        []entry
	first, next uint32

	// All are indexed by a hash, and a later field displaces an earlier one.
	newest [64]uint32 // 1 + the number of the newest entry, by its field
	named  [16]uint32 // the same, by its name, of those that are not in the static table
	seen   [64]uint32 // the last hash that was not in the table
}

type entry struct {
	name, value string
	hash        uint32
}

// entryOverhead is what an entry counts for beside its strings. RFC 7541, section
// 4.1.
const entryOverhead = 32

// staticTableLen is the number of entries of HPACK's static table. RFC 7541,
// appendix A.
const staticTableLen = 61

// hashSeed keeps clients from choosing fields that collide.
var hashSeed = maphash.MakeSeed()

// resize applies a new SETTINGS_HEADER_TABLE_SIZE: the next block begins with it.
// RFC 7541, section 4.2.
func (e *encoder) resize(client uint32) {
	n := min(client, e.limit)
	if !e.resync || n < e.least {
		e.least = n
	}
	e.resync = e.resync || n != e.max
	e.max = n
	e.evict(0)
}

// evict makes room for an entry of n bytes, the oldest entries first. RFC 7541,
// section 4.4.
func (e *encoder) evict(n uint32) {
	for e.size+n > e.max && e.first < e.next {
		old := &e.ring[e.first&uint32(len(e.ring)-1)]
		e.size -= uint32(len(old.name)+len(old.value)) + entryOverhead
		*old = entry{}
		e.first++
	}
}

// add adds an entry to the table. RFC 7541, section 2.3.2: the newest has the
// lowest index.
func (e *encoder) add(name, value string, hash uint32) {
	n := uint32(len(name)+len(value)) + entryOverhead
	e.evict(n)
	// The ring's length is a power of two, and no client is sent more entries than
	// its table holds.
	if held := e.next - e.first; int(held) == len(e.ring) {
		ring := make([]entry, max(8, 2*len(e.ring)))
		for i := e.first; i != e.next; i++ {
			ring[i&uint32(len(ring)-1)] = e.ring[i&uint32(len(e.ring)-1)]
		}
		e.ring = ring
	}
	e.ring[e.next&uint32(len(e.ring)-1)] = entry{name, value, hash}
	e.next++
	e.size += n
	e.newest[hash%64] = e.next
	e.named[nameHash(name)%16] = e.next
}

// name is the index of an entry that has the name, in one of the two tables; 0 if
// there is none. RFC 7541, section 2.3.3.
func (e *encoder) name(name fieldName) uint64 {
	if name.static != 0 {
		return uint64(name.static)
	}
	n := e.named[nameHash(name.lower)%16]
	if n <= e.first || e.ring[(n-1)&uint32(len(e.ring)-1)].name != name.lower {
		return 0
	}
	return e.index(n)
}

// index is that of the entry with the number n-1.
func (e *encoder) index(n uint32) uint64 { return uint64(staticTableLen + e.next - n + 1) }

// nameHash tells most names apart.
func nameHash(name string) uint8 {
	return uint8(len(name)) + name[0] + 3*name[len(name)-1]
}

// begin begins a block: a changed size of the table is told first.
func (e *encoder) begin(dst []byte) []byte {
	if !e.resync {
		return dst
	}
	e.resync = false
	if e.least < e.max {
		// RFC 7541, section 4.2: the smallest is told too. It is told as 0, and the
		// table given up, because golang.org/x/net's decoder takes a second change
		// only while the table is empty.
		clear(e.ring)
		e.first, e.size = e.next, 0
		dst = append(dst, 0x20)
	}
	return appendInt(dst, 0x20, 5, uint64(e.max))
}

// status appends the pseudo-field :status, by index if it is one of the seven in
// the static table.
func (e *encoder) status(dst []byte, code int) []byte {
	switch code {
	case 200:
		return append(dst, 0x88)
	case 204:
		return append(dst, 0x89)
	case 206:
		return append(dst, 0x8a)
	case 304:
		return append(dst, 0x8b)
	case 400:
		return append(dst, 0x8c)
	case 404:
		return append(dst, 0x8d)
	case 500:
		return append(dst, 0x8e)
	}
	return append(dst, 0x08, 3, byte('0'+code/100%10), byte('0'+code/10%10), byte('0'+code%10))
}

// length appends content-length, as a literal that is not indexed: it is seldom the
// same again.
func (e *encoder) length(dst []byte, n int64) []byte {
	dst = append(dst, 0x0f, 0x0d, 0) // literal, name 28
	at := len(dst)
	dst = strconv.AppendInt(dst, n, 10)
	dst[at-1] = byte(len(dst) - at)
	return dst
}

// field appends a field: by index if it is in the table, and into the table if it
// comes the second time.
func (e *encoder) field(dst []byte, name fieldName, value string) []byte {
	if name.lower == "set-cookie" || name.lower == "authorization" {
		// RFC 7541, section 7.1.3: never indexed, so that nobody can try values
		// against the table.
		return e.literal(dst, 0x10, 4, name, value)
	}
	hash := hashOf(name, value)
	slot := hash % 64
	// An entry that was evicted has a number below first.
	if n := e.newest[slot]; n > e.first {
		k := &e.ring[(n-1)&uint32(len(e.ring)-1)]
		if k.hash == hash && k.value == value && k.name == name.lower {
			return appendInt(dst, 0x80, 7, e.index(n))
		}
	}
	first := name.static == 0 && e.named[nameHash(name.lower)%16] <= e.first
	known := first || e.seen[slot] == hash
	e.seen[slot] = hash
	if !known || len(name.lower)+len(value)+entryOverhead > int(e.max) {
		return e.literal(dst, 0, 4, name, value)
	}
	dst = e.literal(dst, 0x40, 6, name, value)
	e.add(name.lower, value, hash)
	return dst
}

// hashOf is of the value, mixed with what tells most names apart.
func hashOf(name fieldName, value string) uint32 {
	h := maphash.String(hashSeed, value)
	n := uint32(len(name.lower))<<24 ^ uint32(name.lower[0])<<16 ^ uint32(name.static)
	return uint32(h) ^ uint32(h>>32) ^ n
}

// literal appends a literal field of the given representation, which form and bits
// are the first octet of. RFC 7541, section 6.2.
func (e *encoder) literal(dst []byte, form byte, bits uint8, name fieldName, value string) []byte {
	if index := e.name(name); index != 0 {
		dst = appendInt(dst, form, bits, index)
	} else {
		dst = append(dst, form)
		dst = appendString(dst, name.lower)
	}
	return appendString(dst, value)
}

// appendInt appends an integer with a prefix of bits bits. RFC 7541, section 5.1.
func appendInt(dst []byte, form byte, bits uint8, n uint64) []byte {
	most := uint64(1)<<bits - 1
	if n < most {
		return append(dst, form|byte(n))
	}
	dst = append(dst, form|byte(most))
	for n -= most; n >= 0x80; n >>= 7 {
		dst = append(dst, byte(n)|0x80)
	}
	return append(dst, byte(n))
}

// appendString appends a string, by Huffman's code if that is shorter. RFC 7541,
// section 5.2.
func appendString(dst []byte, s string) []byte {
	if n := hpack.HuffmanEncodeLength(s); n < uint64(len(s)) {
		dst = appendInt(dst, 0x80, 7, n)
		return hpack.AppendHuffmanString(dst, s)
	}
	dst = appendInt(dst, 0, 7, uint64(len(s)))
	return append(dst, s...)
}
