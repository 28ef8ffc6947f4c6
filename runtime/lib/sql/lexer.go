package sql

import "strings"

// A lexer takes SQL apart as far as is needed to find its placeholders, its statements and its first
// word: what stands in a string, a comment or a quoted name is none of these. It is total: whatever
// the text is, each call of next comes further, and what is not closed ends with the text.
type lexer struct {
	text     string
	at       int
	postgres bool
}

// A kind is what a token is.
type kind uint8

const (
	end    kind = iota
	word        // a keyword, a name, or a number
	quoted      // a string, a name in quotes, or a dollar quote
	hole        // ?
	mark        // ??
	name        // :name
	native      // a placeholder of the database's own: ?1, $1, @name, $name
	sign        // any other character
)

// A token is a piece of SQL that is neither space nor comment.
type token struct {
	kind       kind
	start, end int
}

// next returns the next token. Its kind is end if there is none.
func (l *lexer) next() token {
	l.space()
	t := token{sign, l.at, l.at}
	if l.at >= len(l.text) {
		t.kind = end
		return t
	}
	l.at++
	switch c := l.text[t.start]; {
	case c == '\'':
		escapes := l.postgres && t.start > 0 && l.text[t.start-1]|0x20 == 'e' && !l.inWord(t.start-2)
		l.quote('\'', escapes)
		t.kind = quoted
	case c == '"', c == '`' && !l.postgres:
		l.quote(c, false)
		t.kind = quoted
	case c == '[' && !l.postgres:
		l.until("]")
		t.kind = quoted
	case c == '?':
		t.kind = l.question()
	case c == ':':
		t.kind = l.colon(t.start)
	case c == '$' && l.postgres:
		t.kind = l.dollar(t.start)
	case (c == '$' || c == '@') && !l.postgres && l.here(inWord):
		l.while(inWord)
		t.kind = native
	case inWord(c):
		l.while(func(c byte) bool { return inWord(c) || c == '$' })
		t.kind = word
	}
	t.end = l.at
	return t
}

// inWord reports whether c may stand in a name or a number. Bytes of other than ASCII may.
func inWord(c byte) bool {
	return c == '_' || c >= 0x80 || '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z'
}

func digit(c byte) bool { return '0' <= c && c <= '9' }

// inWord reports whether the byte at i is one of a word.
func (l *lexer) inWord(i int) bool { return i >= 0 && inWord(l.text[i]) }

// here reports whether there is a next byte, and it is one of those.
func (l *lexer) here(is func(byte) bool) bool { return l.at < len(l.text) && is(l.text[l.at]) }

func (l *lexer) while(is func(byte) bool) {
	for l.here(is) {
		l.at++
	}
}

// until goes behind what, or to the end of the text.
func (l *lexer) until(what string) {
	if i := strings.Index(l.text[l.at:], what); i >= 0 {
		l.at += i + len(what)
	} else {
		l.at = len(l.text)
	}
}

// space skips space and comments. SQLite takes a byte order mark for space, wherever it stands.
func (l *lexer) space() {
	for l.at < len(l.text) {
		rest := l.text[l.at:]
		switch c := rest[0]; {
		case c == ' ', '\t' <= c && c <= '\r':
			l.at++
		case strings.HasPrefix(rest, "\ufeff") && !l.postgres:
			l.at += len("\ufeff")
		case strings.HasPrefix(rest, "--"):
			l.until("\n")
		case strings.HasPrefix(rest, "/*"):
			l.comment()
		default:
			return
		}
	}
}

// comment goes behind a comment in /* and */. Those of PostgreSQL nest.
func (l *lexer) comment() {
	l.at += len("/*")
	for depth := 1; l.at < len(l.text); {
		switch rest := l.text[l.at:]; {
		case strings.HasPrefix(rest, "*/"):
			l.at += len("*/")
			if depth--; depth == 0 {
				return
			}
		case strings.HasPrefix(rest, "/*") && l.postgres:
			l.at += len("/*")
			depth++
		default:
			l.at++
		}
	}
}

// quote goes behind the quote that closes. A doubled one is one in the text, and needs no rule: it
// closes and opens. A backslash takes the next byte with it where the string has escapes.
func (l *lexer) quote(c byte, escapes bool) {
	for ; l.at < len(l.text); l.at++ {
		switch l.text[l.at] {
		case '\\':
			if escapes {
				l.at++
			}
		case c:
			l.at++
			if l.at < len(l.text) && l.text[l.at] == c {
				continue // a doubled one: what follows has the same escapes
			}
			return
		}
	}
	l.at = len(l.text)
}

// question says what a question mark is.
func (l *lexer) question() kind {
	switch {
	case l.here(func(c byte) bool { return c == '?' }):
		l.at++
		return mark
	case !l.postgres && l.here(digit):
		l.while(digit)
		return native
	}
	return hole
}

// colon says what a colon is: the beginning of a name that stands for a value, or that of a cast of
// PostgreSQL, or a bound of one of its slices, as in a[1:n], where it follows directly.
func (l *lexer) colon(start int) kind {
	if l.postgres {
		if l.here(func(c byte) bool { return c == ':' || c == '=' }) {
			l.at++
			return sign
		}
		if start > 0 && (inWord(l.text[start-1]) || strings.IndexByte("])", l.text[start-1]) >= 0) {
			return sign
		}
	}
	if !l.here(inWord) || l.here(digit) {
		return sign
	}
	l.while(inWord)
	return name
}

// dollar says what a dollar is in PostgreSQL: $1, a dollar quote, or neither.
func (l *lexer) dollar(start int) kind {
	if l.here(digit) {
		l.while(digit)
		return native
	}
	l.while(inWord)
	if !l.here(func(c byte) bool { return c == '$' }) {
		return sign
	}
	l.at++
	l.until(l.text[start:l.at])
	return quoted
}
