package bytes

import (
	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/runtime/host/text"
	"go.starlark.net/starlark"
)

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
		Fn: func(data []byte, encoding, errors string) (string, error) {
			return text.Decode(string(data), encoding, errors)
		},
	}
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
		Fn: func(s, encoding, errors string) ([]byte, error) {
			data, err := text.Encode(s, encoding, errors)
			return []byte(data), err
		},
	}
}
