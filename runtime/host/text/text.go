// Package text is the way from bytes to text and back, in the encodings that Python's str and bytes
// have and that the web still needs: UTF-8, latin-1 and ASCII, with Python's ways to treat errors.
package text

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/larkspur-web/larkspur/runtime/host"
)

// An encoding is how characters are written as bytes.
type encoding struct {
	name string
	last rune // the last character that is one byte, of the same number; 0 for UTF-8
}

// encodingOf knows the names that Python has, which may be written with "-", "_", blanks and
// capitals.
func encodingOf(name string) (encoding, error) {
	switch strings.NewReplacer("-", "", "_", "", " ", "").Replace(strings.ToLower(name)) {
	case "utf8", "u8":
		return encoding{"utf-8", 0}, nil
	case "latin1", "iso88591", "l1", "latin":
		return encoding{"latin-1", 0xff}, nil
	case "ascii", "usascii":
		return encoding{"ascii", 0x7f}, nil
	}
	return encoding{}, fmt.Errorf("unknown encoding %s; there are utf-8, latin-1 and ascii",
		host.Cut(strconv.Quote(name)))
}

// way returns an error if there is no such way to treat errors.
func way(errors string, known ...string) error {
	if slices.Contains(known, errors) {
		return nil
	}
	return fmt.Errorf("errors is %s, not %s", host.Cut(strconv.Quote(errors)),
		strings.Join(known, ", "))
}

var errLarge = fmt.Errorf("the result would be longer than %d bytes", host.MaxSize)

// Decode returns the text that data are. Encoding is one of utf-8, latin-1 and ascii, in the ways
// that Python writes their names; errors is strict, replace, ignore or backslashreplace. The result
// has no more than [host.MaxSize] bytes.
func Decode(data, encoding, errors string) (string, error) {
	e, err := encodingOf(encoding)
	if err != nil {
		return "", err
	}
	if err := way(errors, "strict", "replace", "ignore", "backslashreplace"); err != nil {
		return "", err
	}
	if e.last == 0 && utf8.ValidString(data) {
		return data, nil
	}
	b := make([]byte, 0, len(data)+len(data)/8)
	for i := 0; i < len(data); {
		if len(b) > host.MaxSize {
			return "", errLarge
		}
		r, n := utf8.DecodeRuneInString(data[i:])
		bad := 0
		if e.last == 0 {
			bad = Illformed(data[i:])
		} else if r, n = rune(data[i]), 1; r > e.last {
			bad = 1
		}
		switch {
		case bad == 0:
			b = utf8.AppendRune(b, r)
		case errors == "strict":
			return "", fmt.Errorf("byte %#x at offset %d is not %s", data[i], i, e.name)
		case errors == "replace":
			b = utf8.AppendRune(b, utf8.RuneError)
		case errors == "backslashreplace":
			for _, octet := range []byte(data[i : i+bad]) {
				b = escape(b, rune(octet))
			}
		}
		i += max(n, bad)
	}
	return string(b), nil
}

// Encode returns a text as bytes. Encoding is as for [Decode]; errors is strict, replace (by ?),
// ignore, xmlcharrefreplace or backslashreplace. Bytes of the text that are no UTF-8 are an error
// in all encodings. The result has no more than [host.MaxSize] bytes.
func Encode(text, encoding, errors string) (string, error) {
	e, err := encodingOf(encoding)
	if err == nil {
		err = way(errors, "strict", "replace", "ignore", "xmlcharrefreplace", "backslashreplace")
	}
	if err != nil {
		return "", err
	}
	if e.last == 0 && utf8.ValidString(text) {
		return text, nil
	}
	b := make([]byte, 0, len(text))
	for i := 0; i < len(text); {
		if len(b) > host.MaxSize {
			return "", errLarge
		}
		r, n := utf8.DecodeRuneInString(text[i:])
		bad := Illformed(text[i:])
		switch {
		case bad == 0 && e.last == 0:
			b = append(b, text[i:i+n]...)
		case bad == 0 && r <= e.last:
			b = append(b, byte(r))
		case errors == "strict" && bad > 0:
			return "", fmt.Errorf("byte %#x at offset %d is no character", text[i], i)
		case errors == "strict":
			return "", fmt.Errorf("%q at offset %d is not in %s", r, i, e.name)
		case errors == "replace":
			b = append(b, '?')
		case errors == "xmlcharrefreplace":
			b = fmt.Appendf(b, "&#%d;", r)
		case errors == "backslashreplace":
			b = escape(b, r)
		}
		i += max(n, bad)
	}
	return string(b), nil
}

const hex = "0123456789abcdef"

// escape writes a character as a string of Python does.
func escape(b []byte, r rune) []byte {
	switch {
	case r <= 0xff: // of which there may be as many as a text has bytes
		return append(b, '\\', 'x', hex[r>>4], hex[r&15])
	case r <= 0xffff:
		return fmt.Appendf(b, `\u%04x`, r)
	}
	return fmt.Appendf(b, `\U%08x`, r)
}
