package url

import (
	"errors"
	"fmt"
	"strings"

	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/runtime/host/text"
	"go.starlark.net/starlark"
)

func safe(otherwise string) host.Param {
	return host.Param{
		Name: "safe", Doc: "characters of ASCII that stay, besides letters, digits and _.-~",
		Type: "string or bytes", Default: starlark.String(otherwise),
	}
}

func quoteMember() host.Member {
	return host.Member{
		Name: "quote",
		Doc: "Escapes a text for the path of a URL: each octet that may not stand there becomes " +
			"%XX.",
		Params: append([]host.Param{
			{
				Name: "string", Doc: "the text; bytes are escaped as they are",
				Type: "string or bytes",
			},
			safe("/"),
		}, encoding()...),
		Result: "a string",
		Errors: []host.Failure{
			{When: "a character is not in the encoding, and errors is strict"},
			{When: "the text has more than 16 MiB"},
		},
		Example: `quote("/green tea/50%")  # "/green%20tea/50%25"
quote("a/b", safe = "")  # "a%2Fb"`,
		Pure: true,
		Fn: func(s, safe starlark.Value, encoding, errors *string) (string, error) {
			return escape(s, safe, encoding, errors, false)
		},
	}
}

func quotePlusMember() host.Member {
	return host.Member{
		Name: "quote_plus",
		Doc:  "Escapes a text for a query or a form: as quote does, and a space becomes +.",
		Params: append([]host.Param{
			{
				Name: "string", Doc: "the text; bytes are escaped as they are",
				Type: "string or bytes",
			},
			safe(""),
		}, encoding()...),
		Result: "a string",
		Errors: []host.Failure{
			{When: "a character is not in the encoding, and errors is strict"},
			{When: "the text has more than 16 MiB"},
		},
		Example: `quote_plus("green tea & more")  # "green+tea+%26+more"`,
		Pure:    true,
		Fn: func(s, safe starlark.Value, encoding, errors *string) (string, error) {
			return escape(s, safe, encoding, errors, true)
		},
	}
}

// escape is quote, and quote_plus if plus is true.
func escape(v, safe starlark.Value, encoding, errs *string, plus bool) (string, error) {
	s, err := octets("string", v)
	if err != nil {
		return "", err
	}
	stays, err := octets("safe", safe)
	if err != nil {
		return "", err
	}
	if _, is := v.(starlark.String); !is {
		if encoding != nil || errs != nil {
			return "", errors.New("bytes have no encoding: pass neither encoding nor errors")
		}
	} else if encoding != nil || errs != nil { // what is no UTF-8 is escaped as it is
		s, err = text.Encode(s, or(encoding, "utf-8"), or(errs, "strict"))
		if err != nil {
			return "", err
		}
	}
	return percent(s, stays, plus), nil
}

func or(s *string, otherwise string) string {
	if s == nil {
		return otherwise
	}
	return *s
}

// percent is RFC 3986, section 2.1, and with plus application/x-www-form-urlencoded.
func percent(s, stays string, plus bool) string {
	var keep [256]bool
	for ch := range 256 {
		keep[ch] = 'a' <= ch && ch <= 'z' || 'A' <= ch && ch <= 'Z' || '0' <= ch && ch <= '9' ||
			strings.IndexByte("_.-~", byte(ch)) >= 0 // section 2.3
	}
	for i := range len(stays) {
		if stays[i] < 0x80 { // others are ignored, as in Python
			keep[stays[i]] = true
		}
	}
	const digits = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(s) {
		switch ch := s[i]; {
		case plus && ch == ' ':
			b.WriteByte('+')
		case keep[ch]:
			b.WriteByte(ch)
		default:
			b.WriteByte('%')
			b.WriteByte(digits[ch>>4])
			b.WriteByte(digits[ch&15])
		}
	}
	return b.String()
}

func unquoteMember() host.Member {
	return host.Member{
		Name: "unquote",
		Doc:  "Replaces each %XX by the octet that it stands for. What is no escape stays.",
		Params: append([]host.Param{
			{Name: "string", Doc: "the text", Type: "string or bytes"},
		}, decoding()...),
		Result: "a string",
		Errors: []host.Failure{
			{When: "errors is strict, and octets are no text"},
			{When: "the text has more than 16 MiB"},
		},
		Example: `unquote("/green%20tea/50%")  # "/green tea/50%"
unquote("caf%C3%A9")  # "café"`,
		Pure: true,
		Fn: func(v starlark.Value, encoding, errors string) (string, error) {
			s, err := octets("string", v)
			if err != nil {
				return "", err
			}
			if _, is := v.(starlark.String); is {
				return unescape(s, encoding, errors)
			}
			return text.Decode(unpercent(s), encoding, errors)
		},
	}
}

func unquotePlusMember() host.Member {
	return host.Member{
		Name: "unquote_plus",
		Doc:  "Replaces each + by a space, and then does what unquote does.",
		Params: append([]host.Param{
			{Name: "string", Doc: "the text"},
		}, decoding()...),
		Result: "a string",
		Errors: []host.Failure{
			{When: "errors is strict, and octets are no text"},
			{When: "the text has more than 16 MiB"},
		},
		Example: `unquote_plus("green+tea+%2B+more")  # "green tea + more"`,
		Pure:    true,
		Fn: func(s, encoding, errors string) (string, error) {
			if err := bounded("string", s); err != nil {
				return "", err
			}
			return unescape(strings.ReplaceAll(s, "+", " "), encoding, errors)
		},
	}
}

func unquoteToBytesMember() host.Member {
	return host.Member{
		Name: "unquote_to_bytes",
		Doc:  "Replaces each %XX by the octet that it stands for, whatever the octets are.",
		Params: []host.Param{
			{Name: "string", Doc: "the text", Type: "string or bytes"},
		},
		Result:  "bytes",
		Errors:  []host.Failure{{When: "the text has more than 16 MiB"}},
		Example: `unquote_to_bytes("a%FF")  # b"a\xff"`,
		Pure:    true,
		Fn: func(v starlark.Value) (starlark.Bytes, error) {
			s, err := octets("string", v)
			return starlark.Bytes(unpercent(s)), err
		},
	}
}

// unescape makes text of the octets that escapes stand for. Those of one character stand side by
// side: what is not ASCII between them is text already, and keeps them apart.
func unescape(s, encoding, errors string) (string, error) {
	if !strings.Contains(s, "%") {
		return s, nil
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		end := i
		for end < len(s) && s[end] < 0x80 {
			end++
		}
		octets := unpercent(s[i:end])
		if plain := strings.IndexFunc(octets, func(r rune) bool { return r >= 0x80 }); plain >= 0 {
			var err error
			if octets, err = text.Decode(octets, encoding, errors); err != nil {
				return "", fmt.Errorf("%w, behind offset %d", err, i)
			}
		}
		b.WriteString(octets)
		for i = end; i < len(s) && s[i] >= 0x80; i++ {
			b.WriteByte(s[i])
		}
	}
	return b.String(), nil
}

// unpercent is total: what is no escape stands for itself, as in 100%.
func unpercent(s string) string {
	if !strings.Contains(s, "%") {
		return s
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			if high, low := digit(s[i+1]), digit(s[i+2]); high < 16 && low < 16 {
				b = append(b, high<<4|low)
				i += 2
				continue
			}
		}
		b = append(b, s[i])
	}
	return string(b)
}

// digit returns what a hexadecimal digit is worth, 16 if it is none.
func digit(ch byte) byte {
	switch {
	case '0' <= ch && ch <= '9':
		return ch - '0'
	case 'a' <= ch|0x20 && ch|0x20 <= 'f':
		return ch | 0x20 - 'a' + 10
	}
	return 16
}
