// Package display writes text for people: it escapes what would steer a terminal, colours what a
// terminal shows, and rounds sizes. It imports the standard library only, and any package may
// import it.
package display

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Escape returns s with everything escaped that could move a cursor, change the order in which a
// line is read, or is no text: control characters but newlines and tabs, those of bidirectional
// text, and octets that are not UTF-8. What is escaped reads as in a string literal.
func Escape(s string) string {
	if strings.IndexFunc(s, steers) < 0 && utf8.ValidString(s) {
		return s
	}
	var b strings.Builder
	for s != "" {
		r, n := utf8.DecodeRuneInString(s)
		switch {
		case r == utf8.RuneError && n == 1 || r < utf8.RuneSelf && steers(r):
			fmt.Fprintf(&b, `\x%02x`, s[0])
		case steers(r):
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteString(s[:n])
		}
		s = s[n:]
	}
	return b.String()
}

func steers(r rune) bool {
	return r != '\n' && r != '\t' && (unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r))
}

// Line is [Escape] for a text that is to stay on one line: newlines and tabs are escaped too.
func Line(s string) string {
	return strings.NewReplacer("\n", `\n`, "\t", `\t`).Replace(Escape(s))
}
