package bytes

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// An encoding is how characters are written as bytes.
type encoding struct {
	name string
	last rune // the last character that is one byte, of the same number; 0 for UTF-8
}

// encodings are those known, by the names that Python has for them, without "-", "_" and case.
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
		host.Show(starlark.String(name)))
}

func coding(errors string) []host.Param {
	return []host.Param{
		{Name: "encoding", Doc: "utf-8, latin-1 or ascii", Default: starlark.String("utf-8")},
		{
			Name: "errors", Doc: "what becomes of what cannot be converted: " + errors,
			Default: starlark.String("strict"),
		},
	}
}

func decodeMember() host.Member {
	return host.Member{
		Name: "decode",
		Doc:  "Returns the text that bytes are in an encoding.",
		Params: data(coding("strict is an error, replace is U+FFFD, ignore is nothing, " +
			`backslashreplace is \xNN`)...),
		Result: "a string",
		Errors: []host.Failure{
			{When: "the bytes are none of the encoding, and errors is strict"},
			{When: "there is no such encoding, or no such way with errors"},
		},
		Example: `decode(b"caf\xc3\xa9")  # "café"
decode(b"caf\xe9", "latin-1")  # "café"
decode(b"caf\xe9", errors = "replace")  # "caf�"
decode(b"caf\xe9")  # error: decode: byte 0xe9 at offset 3 is not utf-8`,
		Pure: true,
		Fn:   decode,
	}
}

func decode(data []byte, encoding, errors string) (string, error) {
	e, err := encodingOf(encoding)
	if err != nil {
		return "", err
	}
	faulty, err := way(errors, "strict", "replace", "ignore", "backslashreplace")
	if err != nil {
		return "", err
	}
	s := string(data)
	if e.last == 0 && utf8.ValidString(s) {
		return s, nil
	}
	b := make([]byte, 0, len(s)+len(s)/8)
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		bad := 0
		if e.last == 0 {
			bad = host.Illformed(s[i:])
		} else if r, n = rune(s[i]), 1; r > e.last {
			bad = 1
		}
		switch {
		case bad == 0:
			b = utf8.AppendRune(b, r)
		case faulty == "strict":
			return "", fmt.Errorf("byte %#x at offset %d is not %s", s[i], i, e.name)
		case faulty == "replace":
			b = utf8.AppendRune(b, utf8.RuneError)
		case faulty == "backslashreplace":
			for _, octet := range []byte(s[i : i+bad]) {
				b = fmt.Appendf(b, `\x%02x`, octet)
			}
		}
		i += max(n, bad)
	}
	return string(b), nil
}

// way checks what is to be done about errors.
func way(errors string, known ...string) (string, error) {
	for _, k := range known {
		if errors == k {
			return k, nil
		}
	}
	return "", fmt.Errorf("errors is %s, not %s", host.Show(starlark.String(errors)),
		strings.Join(known, ", "))
}

func encodeMember() host.Member {
	return host.Member{
		Name: "encode",
		Doc:  "Returns a text as bytes in an encoding. bytes(text) is its UTF-8, whatever it has.",
		Params: append([]host.Param{{Name: "text", Doc: "the text"}},
			coding("strict is an error, replace is ?, ignore is nothing, xmlcharrefreplace is "+
				`&#N;, backslashreplace is \xNN or \uNNNN`)...),
		Result: "bytes",
		Errors: []host.Failure{
			{When: "a character has no bytes in the encoding, and errors is strict"},
			{When: "there is no such encoding, or no such way with errors"},
		},
		Example: `encode("café", "latin-1")  # b"caf\xe9"
encode("5 €", "latin-1", "replace")  # b"5 ?"
encode("5 €", "latin-1")  # error: encode: '€' at offset 2 is not in latin-1`,
		Pure: true,
		Fn:   encode,
	}
}

func encode(text, encoding, errors string) ([]byte, error) {
	e, err := encodingOf(encoding)
	if err != nil {
		return nil, err
	}
	faulty, err := way(errors, "strict", "replace", "ignore", "xmlcharrefreplace", "backslashreplace")
	if err != nil {
		return nil, err
	}
	if e.last == 0 && utf8.ValidString(text) {
		return []byte(text), nil
	}
	var b []byte
	for i := 0; i < len(text); {
		if len(b) > host.MaxSize {
			return nil, errLarge
		}
		r, n := utf8.DecodeRuneInString(text[i:])
		bad := host.Illformed(text[i:])
		switch {
		case bad == 0 && e.last == 0:
			b = append(b, text[i:i+n]...)
		case bad == 0 && r <= e.last:
			b = append(b, byte(r))
		case faulty == "strict" && bad > 0:
			return nil, fmt.Errorf("byte %#x at offset %d is no character", text[i], i)
		case faulty == "strict":
			return nil, fmt.Errorf("%q at offset %d is not in %s", r, i, e.name)
		case faulty == "replace":
			b = append(b, '?')
		case faulty == "xmlcharrefreplace":
			b = fmt.Appendf(b, "&#%d;", r)
		case faulty == "backslashreplace":
			b = escape(b, r)
		}
		i += max(n, bad)
	}
	return b, nil
}

// escape writes a character as a string of Python does.
func escape(b []byte, r rune) []byte {
	switch {
	case r <= 0xff:
		return fmt.Appendf(b, `\x%02x`, r)
	case r <= 0xffff:
		return fmt.Appendf(b, `\u%04x`, r)
	}
	return fmt.Appendf(b, `\U%08x`, r)
}
