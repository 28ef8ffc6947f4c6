package dev

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// What is written into a script may come from a client, or from whoever a client has reached. All
// of it goes through escape: as a literal, or as a comment.

// literal writes a text, or else octets, as the literal that has that value.
func literal(s string) string {
	prefix := ""
	if !utf8.ValidString(s) {
		prefix = "b"
	}
	return prefix + `"` + escape(s, `"\`) + `"`
}

// maxComment is how many bytes of a text stand in a comment.
const maxComment = 500

// comment writes a text as a comment of one line: nothing in it ends the line, nor the file.
func comment(s string) string {
	if len(s) > maxComment {
		n := maxComment
		for n > maxComment-utf8.UTFMax && !utf8.RuneStart(s[n]) {
			n--
		}
		s = s[:n] + "…"
	}
	return "# " + escape(s, "")
}

// escape writes s with a backslash before each character that is among special, and escapes for all
// that is not printed as one character in its line: control characters, among them CR and NEL, what
// separates lines or changes their direction, and octets that are not UTF-8.
func escape(s, special string) string {
	var b strings.Builder
	b.Grow(len(s))
	for s != "" {
		r, n := utf8.DecodeRuneInString(s)
		switch {
		case r == utf8.RuneError && n == 1:
			fmt.Fprintf(&b, `\x%02x`, s[0])
		case strings.ContainsRune(special, r):
			b.WriteString(`\` + s[:n])
		case strconv.IsPrint(r):
			b.WriteString(s[:n])
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case r < utf8.RuneSelf:
			fmt.Fprintf(&b, `\x%02x`, r)
		case r < 0x10000:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			fmt.Fprintf(&b, `\U%08x`, r)
		}
		s = s[n:]
	}
	return b.String()
}
