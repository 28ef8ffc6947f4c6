package http1

// chunks finds the end of a chunked body as its bytes pass.
//
// RFC 9112, section 7.1:
//
//	chunked-body = *chunk last-chunk trailer-section CRLF
//	chunk        = chunk-size [ chunk-ext ] CRLF chunk-data CRLF
//
// It is stricter than readers are with one another: a size has digits only, and lines end in CRLF.
type chunks struct {
	at     place
	size   int64 // of the chunk: so far while its digits are read, then what is left of it
	digits int
	line   int // bytes of a line that is of no interest: an extension, or a trailer
}

type place int

const (
	inSize place = iota
	inExtension
	afterSize // the CR was read
	inData
	afterData  // a CR must come
	afterData2 // an LF must come
	inTrailer
	afterTrailer // the CR was read
)

type state int

const (
	chunksMore state = iota
	chunksDone
	chunksBad
)

// maxLine is how long an extension or a trailer may be: net/http's own bound is smaller for the
// first.
const maxLine = 16 << 10

// feed reads on in b, and returns how many bytes of it belong to the body and are in order.
func (c *chunks) feed(b []byte) (int, state) {
	for i := 0; i < len(b); {
		if c.at == inData {
			n := min(int64(len(b)-i), c.size)
			i, c.size = i+int(n), c.size-n
			if c.size == 0 {
				c.at = afterData
			}
			continue
		}
		done, ok := c.step(b[i])
		if !ok {
			return i, chunksBad
		}
		i++
		if done {
			return i, chunksDone
		}
	}
	return len(b), chunksMore
}

// step reads one byte that is not of a chunk's data.
func (c *chunks) step(b byte) (done, ok bool) {
	switch c.at {
	case inSize:
		if d := digit(b); d >= 0 && c.digits < 15 {
			c.size = c.size<<4 | int64(d)
			c.digits++
			return false, true
		}
		c.at, c.line = inExtension, 0
		return false, c.digits > 0 && (b == ';' || b == ' ' || b == '\t' || c.end(b, afterSize))
	case inExtension:
		return false, c.end(b, afterSize) || c.inLine(b)
	case afterSize:
		c.at, c.digits, c.line = inData, 0, 0
		if c.size == 0 {
			c.at = inTrailer
		}
		return false, b == '\n'
	case afterData:
		return false, c.end(b, afterData2)
	case afterData2:
		c.at = inSize
		return false, b == '\n'
	case inTrailer:
		return false, c.end(b, afterTrailer) || c.inLine(b)
	default: // afterTrailer
		done = c.line == 0
		c.at, c.line = inTrailer, 0
		return done, b == '\n'
	}
}

// end goes on to the next place if b is the CR that ends a line.
func (c *chunks) end(b byte, next place) bool {
	if b == '\r' {
		c.at = next
	}
	return b == '\r'
}

func (c *chunks) inLine(b byte) bool {
	c.line++
	return b != '\n' && c.line <= maxLine
}

func digit(b byte) int {
	switch {
	case '0' <= b && b <= '9':
		return int(b - '0')
	case 'a' <= b && b <= 'f':
		return int(b-'a') + 10
	case 'A' <= b && b <= 'F':
		return int(b-'A') + 10
	}
	return -1
}
