package html

import (
	stdhtml "html"
	"strconv"
	"strings"
	"unicode/utf8"
)

// unescape is Python's html.unescape: that of Go lacks two names, and differs in numbers. HTML,
// sections 13.2.5.80 and 13.5.
func unescape(s string) string {
	if !strings.Contains(s, "&") {
		return s
	}
	s = lacking.Replace(s)
	b := make([]byte, 0, len(s))
	for {
		text, rest, found := strings.Cut(s, "&#")
		b = append(b, stdhtml.UnescapeString(text)...)
		if !found {
			return string(b)
		}
		c, n := number(rest)
		if n == 0 {
			b = append(b, "&#"...)
		} else {
			b = appendReferent(b, c)
		}
		s = rest[n:]
	}
}

// lacking are the names that package html of Go does not have.
var lacking = strings.NewReplacer("&nLt;", "\u226a\u20d2", "&nGt;", "\u226b\u20d2")

// number reads the number of a reference behind its &#, and returns how long it is with the
// semicolon, 0 if there is none. One that is too large is some other that is.
func number(s string) (c rune, n int) {
	base, start := rune(10), 0
	if s != "" && s[0]|0x20 == 'x' {
		base, start = 16, 1
	}
	for n = start; n < len(s); n++ {
		d := rune(s[n])
		switch {
		case '0' <= d && d <= '9':
			d -= '0'
		case base == 16 && 'a' <= d|0x20 && d|0x20 <= 'f':
			d = d | 0x20 - 'a' + 10
		default:
			d = -1
		}
		if d < 0 {
			break
		}
		if c <= utf8.MaxRune {
			c = c*base + d
		}
	}
	switch {
	case n == start:
		return 0, 0
	case n < len(s) && s[n] == ';':
		n++
	}
	return c, n
}

// appendReferent appends what a number stands for: nothing for a control or a noncharacter, but
// for 128 to 159 the character that Windows has there.
func appendReferent(b []byte, c rune) []byte {
	switch {
	case 0x80 <= c && c <= 0x9f:
		s := stdhtml.UnescapeString("&#" + strconv.Itoa(int(c)) + ";")
		return append(b, s...)
	case c == '\t', c == '\n', c == '\f', c == '\r':
	case 0 < c && c < ' ', c == 0x7f, 0xfdd0 <= c && c <= 0xfdef,
		c <= utf8.MaxRune && c&0xfffe == 0xfffe:
		return b
	case c == 0:
		c = utf8.RuneError
	}
	return utf8.AppendRune(b, c) // U+FFFD for what is no character
}
