// Package hex is the host module @hex: bytes as two digits each.
package hex

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// Module describes @hex.
func Module() *host.Module {
	return &host.Module{
		Name: "hex",
		Doc:  "Hexadecimal: bytes as two digits each.",
		Members: []host.Member{
			{
				Name: "encode",
				Doc: "Writes bytes as hexadecimal digits, in lower case, as Python's bytes.hex " +
					"does.",
				Params: []host.Param{
					{Name: "data", Doc: "bytes, or a string, whose UTF-8 is meant"},
					{
						Name: "sep", Doc: "what stands between groups of digits",
						Default: starlark.String(""),
					},
					{
						Name: "bytes_per_sep",
						Doc: "how many bytes make a group; they are counted from the right, and " +
							"from the left if it is negative",
						Default: starlark.MakeInt(1),
					},
				},
				Result: "a string",
				Errors: []host.Failure{{When: "sep is not one character of ASCII"}},
				Example: `encode(b"\x00\xff\x7f")  # "00ff7f"
encode(b"\x00\xff\x7f", ":")  # "00:ff:7f"`,
				Pure: true,
				Fn:   encode,
			},
			{
				Name: "decode",
				Doc: "Returns the bytes that hexadecimal digits of either case stand for, as " +
					"Python's bytes.fromhex does. Spaces and line breaks between bytes mean " +
					"nothing.",
				Params: []host.Param{{Name: "text", Doc: "the digits", Type: "bytes"}},
				Result: "bytes",
				Errors: []host.Failure{{When: "it has another character, or half a byte"}},
				Example: `decode("00FF 7f")  # b"\x00\xff\x7f"
decode("0g")  # error: decode: 'g' at offset 1 is not a hexadecimal digit`,
				Pure: true,
				Fn:   decode,
			},
		},
		Whole: true,
	}
}

func encode(data []byte, sep string, group int) (string, error) {
	if sep == "" || group == 0 {
		return hex.EncodeToString(data), nil
	}
	if len(sep) != 1 || sep[0] >= 0x80 {
		return "", fmt.Errorf("sep is %s, not one character of ASCII",
			host.Show(starlark.String(sep)))
	}
	b := make([]byte, 0, 3*len(data))
	for i, octet := range data {
		before := i // how many bytes are on the side that groups are counted from
		if group > 0 {
			before = len(data) - i
		}
		if i > 0 && before%group == 0 {
			b = append(b, sep[0])
		}
		b = hex.AppendEncode(b, []byte{octet})
	}
	return string(b), nil
}

// decode is total.
func decode(text []byte) ([]byte, error) {
	b := make([]byte, 0, len(text)/2)
	var high byte
	half := false
	for i, ch := range text {
		var digit byte
		switch {
		case '0' <= ch && ch <= '9':
			digit = ch - '0'
		case 'a' <= ch|0x20 && ch|0x20 <= 'f':
			digit = ch | 0x20 - 'a' + 10
		case !half && strings.IndexByte(" \t\r\n\v\f", ch) >= 0:
			continue
		default:
			return nil, fmt.Errorf("%q at offset %d is not a hexadecimal digit", first(text[i:]), i)
		}
		if half {
			b = append(b, high<<4|digit)
		}
		high, half = digit, !half
	}
	if half {
		return nil, errors.New("it ends in the middle of a byte: a digit is missing")
	}
	return b, nil
}

// first is the character that a text begins with.
func first(text []byte) rune {
	r, _ := utf8.DecodeRune(text)
	return r
}
