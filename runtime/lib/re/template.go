package re

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// A template is what a match is replaced by: texts, and groups between them.
type template []piece

// A piece is a text, and the group behind it, which is negative if there is none.
type piece struct {
	text  string
	group int
}

// parseTemplate reads a template of Python: \1, \g<1>, \g<name>, and the escapes of characters.
func parseTemplate(s string, p *pattern) (template, error) {
	var all template
	var b strings.Builder
	group := func(n int) {
		all = append(all, piece{b.String(), n})
		b.Reset()
	}
	for i := 0; i < len(s); {
		if s[i] != '\\' {
			b.WriteByte(s[i])
			i++
			continue
		}
		rest := s[i+1:]
		if rest == "" {
			return nil, fmt.Errorf("the template ends in a backslash; write \\\\ for one")
		}
		fail := func(format string, args ...any) error {
			return fmt.Errorf("%s, at offset %d of the template", fmt.Sprintf(format, args...), i)
		}
		r, n := utf8.DecodeRuneInString(rest)
		switch {
		case r == 'g':
			inside, _, ok := strings.Cut(strings.TrimPrefix(rest[1:], "<"), ">")
			if !ok || !strings.HasPrefix(rest[1:], "<") {
				return nil, fail(`\g is followed by the number or the name of a group, as in \g<1>`)
			}
			number, err := p.named(inside)
			if err != nil {
				return nil, fail("%v", err)
			}
			group(number)
			i += len(`\g<>`) + len(inside)
		case '0' <= r && r <= '9':
			code, digits, octal := numbered(rest)
			switch {
			case octal && code > 0xff:
				return nil, fail(`\%s is greater than \377`, rest[:digits])
			case octal:
				b.WriteRune(rune(code))
			case code > len(p.names):
				return nil, fail("%v", p.missing(rest[:digits]))
			default:
				group(code)
			}
			i += 1 + digits
		case strings.ContainsRune(`abfnrtv\`, r):
			b.WriteByte("\a\b\f\n\r\t\v\\"[strings.IndexRune(`abfnrtv\`, r)])
			i += 2
		case 'a' <= r|0x20 && r|0x20 <= 'z':
			return nil, fail(`\%c means nothing; write \\%c for a backslash`, r, r)
		default: // the backslash stays
			b.WriteString(s[i : i+1+n])
			i += 1 + n
		}
	}
	group(-1)
	return all, nil
}

// numbered reads the digits behind a backslash: \0 and \012 and \123 are octal, \1 and \12 are
// groups.
func numbered(s string) (n, digits int, octal bool) {
	count := func(most int, last byte) int {
		i := 0
		for i < len(s) && i < most && '0' <= s[i] && s[i] <= last {
			i++
		}
		return i
	}
	if digits = count(3, '7'); s[0] == '0' || digits == 3 {
		code, _ := strconv.ParseUint(s[:digits], 8, 16)
		return int(code), digits, true
	}
	digits = count(2, '9')
	n, _ = strconv.Atoi(s[:digits])
	return n, digits, false
}

// expand writes what a match is replaced by.
func (t template) expand(b *strings.Builder, s string, loc []int) {
	for _, piece := range t {
		b.WriteString(piece.text)
		if i := 2 * piece.group; i >= 0 && loc[i] >= 0 {
			b.WriteString(s[loc[i]:loc[i+1]])
		}
	}
}

// size is how long that is.
func (t template) size(loc []int) (n int) {
	for _, piece := range t {
		n += len(piece.text)
		if i := 2 * piece.group; i >= 0 && loc[i] >= 0 {
			n += loc[i+1] - loc[i]
		}
	}
	return n
}
