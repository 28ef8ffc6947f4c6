// Package bytes is the host module @bytes: of the methods that Python's bytes have those that
// Starlark's lack, as functions of bytes, and the way from bytes to text and back.
//
// Nothing here changes a value. A result is bounded by [host.MaxSize].
package bytes

import (
	"bytes"
	"fmt"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// Module describes @bytes.
func Module() *host.Module {
	return &host.Module{
		Name: "bytes",
		Doc: "What Python's bytes can do and Starlark's cannot: search, split, join, replace, " +
			"and the way from bytes to text and back. Where bytes are wanted, a string stands " +
			"for its UTF-8.",
		Members: []host.Member{
			bytesMember(), compareMember(), concatMember(), countMember(), decodeMember(),
			encodeMember(), endswithMember(), findMember(), indexMember(), joinMember(),
			lowerMember(), lstripMember(), partitionMember(), removeprefixMember(),
			removesuffixMember(), replaceMember(), rfindMember(), rindexMember(),
			rpartitionMember(), rsplitMember(), rstripMember(), splitMember(), splitlinesMember(),
			startswithMember(), stripMember(), upperMember(),
		},
		Whole: true,
	}
}

// data is the parameter of what is worked on.
func data(more ...host.Param) []host.Param {
	return append([]host.Param{{Name: "data", Doc: "bytes, or a string"}}, more...)
}

func bytesMember() host.Member {
	return host.Member{
		Name: "bytes",
		Doc: "Makes bytes of ints from 0 to 255, or of a string its UTF-8. It is the builtin, " +
			"which a script does not see any more that loads the whole module under its name.",
		Params: []host.Param{
			{Name: "x", Doc: "an iterable of ints, a string, or bytes", Type: "any"},
		},
		Result: "bytes",
		Errors: []host.Failure{{When: "an element is no int from 0 to 255"}},
		Example: `bytes([72, 105])  # b"Hi"
bytes("é")  # b"é"`,
		Pure: true,
		Fn: func(t *starlark.Thread, x starlark.Value) (starlark.Value, error) {
			if err := host.CheckElements(x); err != nil {
				return nil, err
			}
			fn := starlark.Universe["bytes"].(*starlark.Builtin)
			return fn.CallInternal(t, starlark.Tuple{x}, nil)
		},
	}
}

func compareMember() host.Member {
	return host.Member{
		Name: "compare",
		Doc:  "Compares two byte by byte; what the other begins with is less.",
		Params: []host.Param{
			{Name: "a", Doc: "bytes, or a string"}, {Name: "b", Doc: "bytes, or a string"},
		},
		Result:  "-1 if a is less than b, 0 if they are equal, 1 if it is greater",
		Example: `compare(b"a", b"ab")  # -1`,
		Pure:    true,
		Fn:      bytes.Compare,
	}
}

func concatMember() host.Member {
	return host.Member{
		Name:   "concat",
		Doc:    "Puts bytes one behind the other.",
		Params: []host.Param{{Name: "parts", Doc: "bytes, or strings", Pass: host.Rest}},
		Result: "bytes",
		Errors: []host.Failure{{When: "together they are longer than 128 MiB"}},
		Example: `concat(b"\x00", "name", b"\x00")  # b"\x00name\x00"
concat()  # b""`,
		Pure: true,
		Fn:   func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }, // they were counted
	}
}

func joinMember() host.Member {
	return host.Member{
		Name: "join",
		Doc:  "Puts bytes one behind the other, with a separator between them.",
		Params: []host.Param{
			{Name: "sep", Doc: "what stands between them; bytes, or a string"},
			{Name: "parts", Doc: "an iterable of bytes, or strings", Type: "iterable"},
		},
		Result:  "bytes",
		Errors:  []host.Failure{{When: "together they are longer than 128 MiB"}},
		Example: `join(b", ", [b"a", "b"])  # b"a, b"`,
		Pure:    true,
		Fn:      join,
	}
}

func join(sep []byte, parts starlark.Iterable) ([]byte, error) {
	var all [][]byte
	if err := host.Unpack(parts, &all); err != nil {
		return nil, fmt.Errorf("for parameter parts: %w", err)
	}
	size := 0
	for i, part := range all {
		if size += len(part); i > 0 {
			size += len(sep)
		}
		if size > host.MaxSize {
			return nil, errLarge
		}
	}
	return bytes.Join(all, sep), nil
}

var errLarge = fmt.Errorf("the result would be longer than %d bytes", host.MaxSize)

func replaceMember() host.Member {
	return host.Member{
		Name: "replace",
		Doc:  "Puts other bytes in the place of some.",
		Params: data(
			host.Param{
				Name: "old", Doc: "what is replaced; empty is before each byte and at the end",
			},
			host.Param{Name: "new", Doc: "what takes its place"},
			host.Param{
				Name: "count", Doc: "how often, from the left; -1 always",
				Default: starlark.MakeInt(-1),
			},
		),
		Result:  "bytes",
		Errors:  []host.Failure{{When: "the result would be longer than 128 MiB"}},
		Example: `replace(b"a\r\nb\r\n", b"\r\n", b"\n")  # b"a\nb\n"`,
		Pure:    true,
		Fn:      replace,
	}
}

func replace(data, old, to []byte, count int) ([]byte, error) {
	n := bytes.Count(data, old)
	if len(old) == 0 {
		n = len(data) + 1 // Count counts characters
	}
	if count >= 0 {
		n = min(n, count)
	}
	if grows := len(to) - len(old); grows > 0 && n > (host.MaxSize-len(data))/grows {
		return nil, errLarge
	}
	if len(old) > 0 {
		return bytes.Replace(data, old, to, n), nil
	}
	b := make([]byte, 0, len(data)+n*len(to))
	for i := range n {
		b = append(b, to...)
		if i < len(data) {
			b = append(b, data[i])
		}
	}
	return append(b, data[min(n, len(data)):]...), nil
}

func lowerMember() host.Member {
	return host.Member{
		Name: "lower", Doc: "Makes the letters of ASCII small, and no others.", Params: data(),
		Result: "bytes", Example: `lower(b"Content-Type")  # b"content-type"`,
		Pure: true,
		Fn: func(data []byte) []byte {
			for i, ch := range data {
				if 'A' <= ch && ch <= 'Z' {
					data[i] += 'a' - 'A'
				}
			}
			return data // a copy
		},
	}
}

func upperMember() host.Member {
	return host.Member{
		Name: "upper", Doc: "Makes the letters of ASCII capitals, and no others.", Params: data(),
		Result: "bytes", Example: `upper(b"get")  # b"GET"`,
		Pure: true,
		Fn: func(data []byte) []byte {
			for i, ch := range data {
				if 'a' <= ch && ch <= 'z' {
					data[i] -= 'a' - 'A'
				}
			}
			return data // a copy
		},
	}
}
