package http1

import "golang.org/x/net/http/httpguts"

// chunks finds the end of a chunked body as its bytes pass.
//
// RFC 9112, section 7.1:
//
//	chunked-body = *chunk last-chunk trailer-section CRLF
//	chunk        = chunk-size [ chunk-ext ] CRLF chunk-data CRLF
//	chunk-ext    = *( BWS ";" BWS token [ BWS "=" BWS ( token / quoted-string ) ] )
//
// It is stricter than readers are with one another: a size has digits only, an extension and a
// trailer are as the grammar wants them, and lines end in CRLF. It begins inSize.
type chunks struct {
	at     place
	size   int64 // of the chunk: so far while its digits are read, then what is left of it
	digits int
	line   int // bytes of a line so far, without the digits of a size
}

// A place is where in a chunked body its next byte is.
type place uint8

const (
	nowhere place = iota // the body has ended, or the byte may not be there
	inSize
	afterWord  // behind a size, or a quoted value
	afterBlank // behind one, or a value, and a blank
	beforeName
	inName
	afterName
	beforeValue
	inValue
	inQuotes
	afterBackslash
	beforeField // of a trailer, or the end
	inField
	inFieldValue
	afterSize // the CR was read
	inData
	afterData  // a CR must come
	afterData2 // an LF must come
	afterField // the CR was read
	afterLast  // the CR was read
)

// A class is of bytes that have the same meaning, wherever they are.
type class uint8

const (
	other class = iota // what else a quoted string may have
	letter
	blank
	semicolon
	equals
	colon
	quote
	backslash
	cr
	control // all others
	classes
)

// places has, for each place in a line behind the digits, the next one by the class of the byte:
// nowhere for what may not be there.
var places = func() (t [afterSize][classes]place) {
	for c := range cr { // what is neither a CR nor a control character
		t[inQuotes][c], t[afterBackslash][c], t[inFieldValue][c] = inQuotes, inQuotes, inFieldValue
	}
	for at, next := range map[place]map[class]place{
		afterWord:  {blank: afterBlank, semicolon: beforeName, cr: afterSize},
		afterBlank: {blank: afterBlank, semicolon: beforeName},
		beforeName: {blank: beforeName, letter: inName},
		inName: {letter: inName, blank: afterName, semicolon: beforeName, equals: beforeValue,
			cr: afterSize},
		afterName:    {blank: afterName, semicolon: beforeName, equals: beforeValue},
		beforeValue:  {blank: beforeValue, letter: inValue, quote: inQuotes},
		inValue:      {letter: inValue, blank: afterBlank, semicolon: beforeName, cr: afterSize},
		inQuotes:     {quote: afterWord, backslash: afterBackslash},
		beforeField:  {letter: inField, cr: afterLast},
		inField:      {letter: inField, colon: inFieldValue},
		inFieldValue: {cr: afterField},
	} {
		for c, to := range next {
			t[at][c] = to
		}
	}
	return t
}()

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
		if !c.step(b[i]) {
			return i, chunksBad
		}
		i++
		if c.at == nowhere {
			return i, chunksDone
		}
	}
	return len(b), chunksMore
}

// step reads one byte that is not of a chunk's data, and reports whether it may be there. After the
// last byte of the body it is nowhere.
func (c *chunks) step(b byte) bool {
	switch c.at {
	case inSize:
		if d := digit(b); d >= 0 && c.digits < 15 {
			c.size = c.size<<4 | int64(d)
			c.digits++
			return true
		}
		if c.digits == 0 {
			return false
		}
		c.at = afterWord
	case afterSize:
		c.at, c.digits, c.line = inData, 0, 0
		if c.size == 0 {
			c.at = beforeField
		}
		return b == '\n'
	case afterData:
		c.at = afterData2
		return b == '\r'
	case afterData2:
		c.at = inSize
		return b == '\n'
	case afterField:
		c.at, c.line = beforeField, 0
		return b == '\n'
	case afterLast:
		c.at = nowhere
		return b == '\n'
	}
	c.at = places[c.at][classOf(b)]
	c.line++
	return c.at != nowhere && c.line <= maxLine
}

func classOf(b byte) class {
	switch {
	case httpguts.IsTokenRune(rune(b)):
		return letter
	case b == ' ', b == '\t':
		return blank
	case b == ';':
		return semicolon
	case b == '=':
		return equals
	case b == ':':
		return colon
	case b == '"':
		return quote
	case b == '\\':
		return backslash
	case b == '\r':
		return cr
	case b < ' ', b == 0x7f:
		return control
	}
	return other
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
