package text

import "unicode/utf8"

// Illformed returns how many bytes of s, which begins with no UTF-8, are one fault: as many as
// could have begun a character, so that "\xe2\x82" is one and "\xff\xff" are two. It is how the
// Unicode standard (section 3.9, maximal subparts), browsers and Python count what they replace.
// It returns 0 for what begins with a character, and for "".
func Illformed(s string) int {
	if r, n := utf8.DecodeRuneInString(s); r != utf8.RuneError || n != 1 {
		return 0
	}
	n := 1
	// What more bytes could make a character is no full one yet.
	for n < len(s) && n < utf8.UTFMax && !utf8.FullRuneInString(s[:n]) {
		if utf8.FullRuneInString(s[:n+1]) {
			break // the next byte is of another
		}
		n++
	}
	return n
}
