package re

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// What \w, \d and \s are, as items of a class of RE2. The last of each is no character, so that a -
// behind it is one.
const (
	word       = `_\p{L}\p{N}` // str.isalnum and _
	digit      = `\p{Nd}`
	space      = `\t-\r\x1c-\x1f\x85\p{Z}` // str.isspace
	asciiSpace = `\v\s`                    // RE2's \s has no \v
)

// escape translates what begins with a backslash, inside of a class or not.
func (t *translator) escape(inClass bool) error {
	begin := t.i
	if t.i++; t.i == len(t.src) {
		return t.fail(begin, "the pattern ends in a backslash")
	}
	r, n := utf8.DecodeRuneInString(t.src[t.i:])
	t.i += n
	switch {
	case strings.ContainsRune("dDsSwW", r):
		t.out.WriteString(set(byte(r), inClass, t.scope().ascii))
	case strings.ContainsRune("afnrtv", r):
		t.out.WriteString(`\` + string(r))
	case r == 'b' && inClass:
		t.out.WriteString(`\x08`)
	case strings.ContainsRune("AbB", r) && !inClass:
		t.out.WriteString(`\` + string(r))
	case (r == 'Z' || r == 'z') && !inClass:
		t.out.WriteString(`\z`)
	case r == 'x':
		return t.number(begin, 2)
	case r == 'u':
		return t.number(begin, 4)
	case r == 'U':
		return t.number(begin, 8)
	case '0' <= r && r <= '9':
		return t.octal(begin, inClass)
	case r == 'p' || r == 'P': // of RE2, not of Python
		name := t.src[t.i:]
		if end := strings.IndexByte(name, '}'); strings.HasPrefix(name, "{") && end > 0 {
			name = name[:end+1]
		} else {
			_, n := utf8.DecodeRuneInString(name)
			name = name[:n]
		}
		t.out.WriteString(`\` + string(r) + name)
		t.i += len(name)
	case r == 'N':
		return t.fail(begin, `\N{...} is not known; write the character, or \uXXXX`)
	case r < utf8.RuneSelf && (unicode.IsLetter(r)):
		return t.fail(begin, `\%c means nothing`, r)
	case r < utf8.RuneSelf:
		t.out.WriteString(`\` + string(r))
	default:
		t.out.WriteString(t.src[t.i-n : t.i])
	}
	return nil
}

// number translates the number of a character, in n hexadecimal digits.
func (t *translator) number(begin, n int) error {
	text := t.src[t.i:min(t.i+n, len(t.src))]
	code, err := strconv.ParseUint(text, 16, 32)
	if len(text) < n || err != nil || code > unicode.MaxRune {
		return t.fail(begin, `\%c is followed by %d hexadecimal digits, the number of a character`,
			t.src[t.i-1], n)
	}
	t.i += n
	fmt.Fprintf(&t.out, `\x{%x}`, code)
	return nil
}

// octal translates \0, \01, \012 and \123, which are the numbers of characters. What else begins
// with a digit is a backreference.
func (t *translator) octal(begin int, inClass bool) error {
	end := begin + 1
	for end < len(t.src) && end < begin+4 && '0' <= t.src[end] && t.src[end] <= '7' {
		end++
	}
	text := t.src[begin+1 : end]
	if text == "" || !inClass && text[0] != '0' && len(text) < 3 {
		if inClass {
			return t.fail(begin, `\%c means nothing`, t.src[begin+1])
		}
		return t.lacks(begin, `a backreference \`+t.src[begin+1:begin+2],
			"match both, and compare the groups in the script")
	}
	code, err := strconv.ParseUint(text, 8, 8)
	if err != nil {
		return t.fail(begin, `\%s is greater than \377`, text)
	}
	t.i = end
	fmt.Fprintf(&t.out, `\x{%x}`, code)
	return nil
}

// set writes one of \d, \D, \s, \S, \w and \W.
func set(letter byte, inClass, ascii bool) string {
	in := map[byte]string{'d': digit, 's': space, 'w': word}[letter|0x20]
	if ascii {
		in = map[byte]string{'d': `\d`, 's': asciiSpace, 'w': `\w`}[letter|0x20]
	}
	negative := letter < 'a'
	switch {
	case !inClass && negative:
		return "[^" + in + "]"
	case !inClass:
		return "[" + in + "]"
	case !negative:
		return in
	case letter == 'D' && !ascii:
		return `\P{Nd}`
	case letter == 'S' && ascii:
		return `\x00-\x08\x0e-\x1f!-\x{10ffff}`
	case letter == 'S':
		return notSpace()
	case letter == 'W' && !ascii:
		return notWord()
	}
	return `\` + string(letter)
}

// A class of RE2 cannot have all but several others in it, but ranges.
var (
	notSpace = sync.OnceValue(func() string {
		return ranges(func(r rune) bool {
			control := '\t' <= r && r <= '\r' || 0x1c <= r && r <= 0x1f || r == 0x85
			return !control && !unicode.In(r, unicode.Z)
		})
	})
	notWord = sync.OnceValue(func() string {
		return ranges(func(r rune) bool { return r != '_' && !unicode.In(r, unicode.L, unicode.N) })
	})
)

// ranges writes what is in a set as items of a class.
func ranges(in func(rune) bool) string {
	var b strings.Builder
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if !in(r) {
			continue
		}
		first := r
		for r < unicode.MaxRune && in(r+1) {
			r++
		}
		fmt.Fprintf(&b, `\x{%x}-\x{%x}`, first, r)
	}
	return b.String()
}

// class translates [...].
func (t *translator) class() error {
	begin := t.i
	t.out.WriteByte('[')
	t.i++
	if strings.HasPrefix(t.src[t.i:], "^") {
		t.out.WriteByte('^')
		t.i++
	}
	for first := true; ; first = false {
		rest := t.src[t.i:]
		switch {
		case rest == "":
			return t.fail(begin, "a ] is missing")
		case rest[0] == ']' && !first:
			t.out.WriteByte(']')
			t.i++
			return nil
		case rest[0] == '\\':
			if err := t.escape(true); err != nil {
				return err
			}
			continue
		case posix(rest) > 0: // of RE2, not of Python
			t.out.WriteString(rest[:posix(rest)])
			t.i += posix(rest)
			continue
		case rest[0] == ']' || rest[0] == '[':
			t.out.WriteByte('\\')
		}
		t.out.WriteByte(rest[0])
		t.i++
	}
}

// posix returns how long the class is, such as [:alpha:], that a text begins with, 0 if it is none.
func posix(s string) int {
	name, ok := strings.CutPrefix(s, "[:")
	end := strings.Index(name, ":]")
	if !ok || end < 0 || !identifier(strings.TrimPrefix(name[:end], "^")) {
		return 0
	}
	return len("[:") + end + len(":]")
}
