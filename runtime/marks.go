package runtime

import "math/bits"

const (
	// granule is what memory is marked in: Go allocates no less.
	granule = 16
	// chunkSize is how much memory shares a bitmap.
	chunkSize = 1 << 20
)

// Marks are the memory that has been counted, so that what is shared is counted once, and of
// strings that are parts of one another the bytes that they have together. They take a hundredth of
// what they mark, if that lies together. The zero value works.
type marks struct {
	chunks map[uintptr]*chunk
	at     uintptr // of last
	last   *chunk  // that was marked, for the next is near it
}

// A chunk has a bit for each granule.
type chunk struct {
	marked uint64 // granules
	bits   [chunkSize / granule / 64]uint64
}

// add marks n bytes from p, and returns how many of them, rounded up, were not marked.
func (m *marks) add(p, n uintptr) (fresh uint64) {
	if n == 0 {
		return 0
	}
	first, last := p/granule, (p+n-1)/granule
	for first <= last {
		const all = chunkSize / granule
		at := first / all
		end := min(last, at*all+all-1)
		fresh += m.chunk(at).add(first%all, end%all)
		first = end + 1
	}
	return fresh * granule
}

func (m *marks) chunk(at uintptr) *chunk {
	if m.last != nil && m.at == at {
		return m.last
	}
	c := m.chunks[at]
	if c == nil {
		if m.chunks == nil {
			m.chunks = make(map[uintptr]*chunk)
		}
		c = new(chunk)
		m.chunks[at] = c
	}
	m.at, m.last = at, c
	return c
}

// add marks the granules from first to last, and returns how many were not.
func (c *chunk) add(first, last uintptr) (fresh uint64) {
	if c.marked == chunkSize/granule {
		return 0
	}
	for word := first / 64; word <= last/64; word++ {
		mask := ^uint64(0)
		if word == first/64 {
			mask <<= first % 64
		}
		if word == last/64 {
			mask &= ^uint64(0) >> (63 - last%64)
		}
		fresh += uint64(bits.OnesCount64(mask &^ c.bits[word]))
		c.bits[word] |= mask
	}
	c.marked += fresh
	return fresh
}
