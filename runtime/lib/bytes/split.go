package bytes

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// blanks are what is stripped, and split at, if nothing else is said.
const blanks = " \t\n\r\v\f"

func strips(
	name, where string, strip func(data []byte, chars string) []byte, example string,
) host.Member {
	return host.Member{
		Name: name,
		Doc:  "Takes away bytes " + where + ".",
		Params: data(host.Param{
			Name: "chars", Doc: "all that are taken away; None is spaces and line breaks",
			Type: "bytes", Default: starlark.None,
		}),
		Result: "bytes", Example: example,
		Pure: true,
		Fn: func(data []byte, chars *[]byte) []byte {
			if chars == nil {
				return strip(data, blanks)
			}
			return strip(data, string(*chars))
		},
	}
}

func stripMember() host.Member {
	return strips("strip", "from both ends", func(data []byte, chars string) []byte {
		return left(right(data, chars), chars)
	}, `strip(b" a\r\n")  # b"a"`)
}

func lstripMember() host.Member {
	return strips("lstrip", "from the beginning", left, `lstrip(b"\x00\x00a", b"\x00")  # b"a"`)
}

func rstripMember() host.Member {
	return strips("rstrip", "from the end", right, `rstrip(b"a\r\n", b"\r\n")  # b"a"`)
}

// left is bytes.TrimLeft, which trims characters.
func left(data []byte, chars string) []byte {
	away := setOf(chars)
	for len(data) > 0 && away[data[0]] {
		data = data[1:]
	}
	return data
}

func right(data []byte, chars string) []byte {
	away := setOf(chars)
	for len(data) > 0 && away[data[len(data)-1]] {
		data = data[:len(data)-1]
	}
	return data
}

func setOf(chars string) *[256]bool {
	var set [256]bool
	for i := range len(chars) {
		set[chars[i]] = true
	}
	return &set
}

func removeprefixMember() host.Member {
	return host.Member{
		Name: "removeprefix", Doc: "Takes away what data begins with, if it does.",
		Params: data(host.Param{Name: "prefix", Doc: "what is taken away"}),
		Result: "bytes", Example: `removeprefix(b"\xef\xbb\xbfid", b"\xef\xbb\xbf")  # b"id"`,
		Pure: true, Fn: bytes.TrimPrefix,
	}
}

func removesuffixMember() host.Member {
	return host.Member{
		Name: "removesuffix", Doc: "Takes away what data ends with, if it does.",
		Params: data(host.Param{Name: "suffix", Doc: "what is taken away"}),
		Result: "bytes", Example: `removesuffix(b"a\n", b"\n")  # b"a"`,
		Pure: true, Fn: bytes.TrimSuffix,
	}
}

func partitionMember() host.Member {
	return host.Member{
		Name: "partition", Doc: "Splits at the first separator.",
		Params: data(host.Param{Name: "sep", Doc: "the separator"}),
		Result: "a tuple: what is before it, it, and what is behind; (data, b\"\", b\"\") if " +
			"there is none",
		Errors:  []host.Failure{{When: "sep is empty"}},
		Example: `partition(b"a=b=c", b"=")  # (b"a", b"=", b"b=c")`,
		Pure:    true,
		Fn: func(data, sep []byte) (before, at, behind []byte, err error) {
			i := bytes.Index(data, sep)
			if len(sep) == 0 {
				return nil, nil, nil, errEmpty
			}
			if i < 0 {
				return data, nil, nil, nil
			}
			return data[:i], sep, data[i+len(sep):], nil
		},
	}
}

func rpartitionMember() host.Member {
	return host.Member{
		Name: "rpartition", Doc: "Splits at the last separator.",
		Params: data(host.Param{Name: "sep", Doc: "the separator"}),
		Result: "a tuple: what is before it, it, and what is behind; (b\"\", b\"\", data) if " +
			"there is none",
		Errors:  []host.Failure{{When: "sep is empty"}},
		Example: `rpartition(b"a=b=c", b"=")  # (b"a=b", b"=", b"c")`,
		Pure:    true,
		Fn: func(data, sep []byte) (before, at, behind []byte, err error) {
			i := bytes.LastIndex(data, sep)
			if len(sep) == 0 {
				return nil, nil, nil, errEmpty
			}
			if i < 0 {
				return nil, nil, data, nil
			}
			return data[:i], sep, data[i+len(sep):], nil
		},
	}
}

var (
	errEmpty = errors.New("sep is empty: there is nothing to split at")
	errMany  = fmt.Errorf("there are more than %d parts; pass maxsplit", host.MaxElements)
)

func splits() []host.Param {
	return data(
		host.Param{
			Name: "sep", Type: "bytes", Default: starlark.None,
			Doc: "the separator; None is any number of spaces and line breaks, and ignores those " +
				"at the ends",
		},
		host.Param{
			Name: "maxsplit", Doc: "how often it is split at most; -1 always",
			Default: starlark.MakeInt(-1),
		},
	)
}

func splitMember() host.Member {
	return host.Member{
		Name: "split", Doc: "Splits at each separator, the leftmost first.", Params: splits(),
		Result: "a list of bytes",
		Errors: []host.Failure{{When: "sep is empty, or there are more than 1,048,576 parts"}},
		Example: `split(b"a,b,,c", b",")  # [b"a", b"b", b"", b"c"]
split(b" a \n b ")  # [b"a", b"b"]
split(b"a,b,c", b",", 1)  # [b"a", b"b,c"]`,
		Pure: true,
		Fn: func(data []byte, sep *[]byte, maxsplit int) ([][]byte, error) {
			if sep == nil {
				return words(data, maxsplit)
			}
			if err := splittable(data, *sep, maxsplit); err != nil {
				return nil, err
			}
			if maxsplit < 0 {
				return bytes.Split(data, *sep), nil
			}
			return bytes.SplitN(data, *sep, min(maxsplit, len(data))+1), nil
		},
	}
}

func splittable(data, sep []byte, most int) error {
	if len(sep) == 0 {
		return errEmpty
	}
	if (most < 0 || most >= host.MaxElements) && bytes.Count(data, sep) >= host.MaxElements {
		return errMany
	}
	return nil
}

// words splits at blanks.
func words(data []byte, most int) ([][]byte, error) {
	var parts [][]byte
	for data = left(data, blanks); len(data) > 0; data = left(data, blanks) {
		if len(parts) == host.MaxElements {
			return nil, errMany
		}
		end := bytes.IndexAny(data, blanks)
		if most >= 0 && len(parts) == most || end < 0 {
			end = len(data)
		}
		if end == len(data) && most >= 0 && len(parts) == most {
			return append(parts, data), nil // with the blanks at its end, as in Python
		}
		parts, data = append(parts, data[:end]), data[end:]
	}
	return parts, nil
}

func rsplitMember() host.Member {
	return host.Member{
		Name: "rsplit", Doc: "Splits at each separator, the rightmost first.", Params: splits(),
		Result:  "a list of bytes",
		Errors:  []host.Failure{{When: "sep is empty, or there are more than 1,048,576 parts"}},
		Example: `rsplit(b"a,b,c", b",", 1)  # [b"a,b", b"c"]`,
		Pure:    true,
		Fn: func(data []byte, sep *[]byte, maxsplit int) ([][]byte, error) {
			var parts [][]byte
			if sep == nil {
				for data = right(data, blanks); len(data) > 0; data = right(data, blanks) {
					if len(parts) == host.MaxElements {
						return nil, errMany
					}
					at := bytes.LastIndexAny(data, blanks) + 1
					if maxsplit >= 0 && len(parts) == maxsplit {
						at = 0
					}
					parts, data = append(parts, data[at:]), data[:at]
				}
				slices.Reverse(parts)
				return parts, nil
			}
			if err := splittable(data, *sep, maxsplit); err != nil {
				return nil, err
			}
			for maxsplit < 0 || len(parts) < maxsplit {
				at := bytes.LastIndex(data, *sep)
				if at < 0 {
					break
				}
				parts, data = append(parts, data[at+len(*sep):]), data[:at]
			}
			parts = append(parts, data)
			slices.Reverse(parts)
			return parts, nil
		},
	}
}

func splitlinesMember() host.Member {
	return host.Member{
		Name: "splitlines",
		Doc:  `Splits at line breaks: \n, \r and \r\n. One at the end begins no further line.`,
		Params: data(host.Param{
			Name: "keepends", Doc: "whether lines keep their line breaks", Default: starlark.False,
		}),
		Result:  "a list of bytes",
		Errors:  []host.Failure{{When: "there are more than 1,048,576 lines"}},
		Example: `splitlines(b"a\r\n\nb\n")  # [b"a", b"", b"b"]`,
		Pure:    true,
		Fn: func(data []byte, keepends bool) ([][]byte, error) {
			var lines [][]byte
			for len(data) > 0 {
				if len(lines) == host.MaxElements {
					return nil, fmt.Errorf("there are more than %d lines", host.MaxElements)
				}
				end := bytes.IndexAny(data, "\r\n")
				if end < 0 {
					return append(lines, data), nil
				}
				next := end + 1
				if data[end] == '\r' && next < len(data) && data[next] == '\n' {
					next++
				}
				if keepends {
					end = next
				}
				lines, data = append(lines, data[:end]), data[next:]
			}
			return lines, nil
		},
	}
}
