// Package base64 is the host module @base64: RFC 4648 in both alphabets.
package base64

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// Module describes @base64.
func Module() *host.Module {
	return &host.Module{
		Name:    "base64",
		Doc:     "Base64: bytes as letters and digits.",
		Members: []host.Member{encodeMember(), decodeMember()},
		Whole:   true,
	}
}

func encodeMember() host.Member {
	return host.Member{
		Name: "encode",
		Doc:  "Writes bytes as base64, in one line.",
		Params: []host.Param{
			{Name: "data", Doc: "bytes, or a string, whose UTF-8 is meant"},
			{
				Name: "urlsafe",
				Doc: "writes - and _ for + and /, so that it can stand in URLs and names of " +
					"files",
				Default: starlark.False,
			},
			{
				Name:    "padding",
				Doc:     "fills it up with = to a multiple of four; False is what JWT has",
				Default: starlark.True,
			},
		},
		Result: "a string",
		Example: `encode("Hello!?>")  # "SGVsbG8hPz4="
encode(b"\xfb\xff", urlsafe = True, padding = False)  # "-_8"`,
		Pure: true,
		Fn:   encode,
	}
}

func encode(data []byte, urlsafe, padding bool) string {
	e := base64.StdEncoding
	if urlsafe {
		e = base64.URLEncoding
	}
	if !padding {
		e = e.WithPadding(base64.NoPadding)
	}
	return e.EncodeToString(data)
}

func decodeMember() host.Member {
	return host.Member{
		Name: "decode",
		Doc: "Returns the bytes that a base64 text stands for. It takes both alphabets, the text " +
			"may lack its = at the end, and spaces and line breaks in it mean nothing.",
		Params: []host.Param{{Name: "text", Doc: "the text", Type: "bytes"}},
		Result: "bytes; str(decode(text)) is the text that they are in UTF-8",
		Errors: []host.Failure{{When: "it has another character, or one too few"}},
		Example: `decode("SGVsbG8hPz4=")  # b"Hello!?>"
decode("-_8")  # b"\xfb\xff"
decode("SGV$bG8=")  # error: decode: '$' at offset 3 is not base64`,
		Pure: true,
		Fn:   decode,
	}
}

// decode is total: RFC 4648, sections 4 and 5, or an error.
func decode(text []byte) ([]byte, error) {
	digits := make([]byte, 0, len(text))
	pads := 0
	for i, ch := range text {
		switch {
		case strings.IndexByte(" \t\r\n\v\f", ch) >= 0:
			continue
		case ch == '=':
			pads++
			continue
		case pads > 0:
			return nil, fmt.Errorf("there is more behind the = at offset %d", i-1)
		case ch == '-':
			ch = '+'
		case ch == '_':
			ch = '/'
		case 'a' <= ch && ch <= 'z' || 'A' <= ch && ch <= 'Z' || '0' <= ch && ch <= '9',
			ch == '+', ch == '/':
		default:
			return nil, fmt.Errorf("%q at offset %d is not base64", first(text[i:]), i)
		}
		digits = append(digits, ch)
	}
	switch n := len(digits) % 4; {
	case n == 1:
		return nil, errors.New("it ends in the middle of a byte: a character is missing")
	case pads > 0 && (n == 0 || n+pads != 4):
		return nil, fmt.Errorf("it ends in %d times =, which does not fill it up", pads)
	}
	n, err := base64.RawStdEncoding.Decode(digits, digits) // in place: it never overtakes
	return digits[:n], err
}

// first is the character that a text begins with.
func first(text []byte) rune {
	r, _ := utf8.DecodeRune(text)
	return r
}
