package bytes

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// stretch are the parameters that say where in the data is looked.
func stretch() []host.Param {
	return []host.Param{
		{
			Name: "start", Doc: "where to begin, as in a slice: a negative one counts from the end",
			Type: "int", Default: starlark.None,
		},
		{Name: "end", Doc: "where to end, as in a slice", Type: "int", Default: starlark.None},
	}
}

// clip returns the bounds of data[start:end] as Python has them, and whether there is such a
// stretch: one that begins behind the end has not even nothing in it.
func clip(data []byte, start, end *int) (from, to int, ok bool) {
	bound := func(i *int, other int) int {
		switch {
		case i == nil:
			return other
		case *i < 0:
			return max(*i+len(data), 0)
		}
		return *i
	}
	from, to = bound(start, 0), min(bound(end, len(data)), len(data))
	return from, to, from <= to
}

func sought() []host.Param {
	return data(append([]host.Param{{Name: "sub", Doc: "what is looked for"}}, stretch()...)...)
}

func findMember() host.Member {
	return host.Member{
		Name: "find", Doc: "Returns where something stands first.", Params: sought(),
		Result: "an index, -1 if it is not there",
		Example: `find(b"a=b=c", b"=")  # 1
find(b"a=b=c", b"=", 2)  # 3`,
		Pure: true,
		Fn: func(data, sub []byte, start, end *int) int {
			return search(bytes.Index, data, sub, start, end)
		},
	}
}

func rfindMember() host.Member {
	return host.Member{
		Name: "rfind", Doc: "Returns where something stands last.", Params: sought(),
		Result: "an index, -1 if it is not there", Example: `rfind(b"a=b=c", b"=")  # 3`,
		Pure: true,
		Fn: func(data, sub []byte, start, end *int) int {
			return search(bytes.LastIndex, data, sub, start, end)
		},
	}
}

func search(index func(_, _ []byte) int, data, sub []byte, start, end *int) int {
	from, to, ok := clip(data, start, end)
	if !ok {
		return -1
	}
	i := index(data[from:to], sub)
	if i >= 0 {
		i += from
	}
	return i
}

var errMissing = errors.New("sub is not in data; find returns -1 then")

func indexMember() host.Member {
	return host.Member{
		Name: "index", Doc: "Returns where something stands first that has to be there.",
		Params: sought(), Result: "an index", Errors: []host.Failure{{When: "it is not there"}},
		Example: `index(b"abc", b"c")  # 2
index(b"abc", b"x")  # error: index: sub is not in data; find returns -1 then`,
		Fn: func(data, sub []byte, start, end *int) (int, error) {
			return present(search(bytes.Index, data, sub, start, end))
		},
	}
}

func rindexMember() host.Member {
	return host.Member{
		Name: "rindex", Doc: "Returns where something stands last that has to be there.",
		Params: sought(), Result: "an index", Errors: []host.Failure{{When: "it is not there"}},
		Example: `rindex(b"abcabc", b"b")  # 4`,
		Fn: func(data, sub []byte, start, end *int) (int, error) {
			return present(search(bytes.LastIndex, data, sub, start, end))
		},
	}
}

func present(i int) (int, error) {
	if i < 0 {
		return 0, errMissing
	}
	return i, nil
}

func countMember() host.Member {
	return host.Member{
		Name: "count", Doc: "Counts how often something is there, without overlaps.",
		Params: sought(), Result: "an int",
		Example: `count(b"aaa", b"a")  # 3
count(b"aaa", b"")  # 4`,
		Pure: true,
		Fn: func(data, sub []byte, start, end *int) int {
			from, to, ok := clip(data, start, end)
			switch {
			case !ok:
				return 0
			case len(sub) == 0:
				return to - from + 1
			}
			return bytes.Count(data[from:to], sub)
		},
	}
}

func affix(name string) []host.Param {
	return data(append([]host.Param{
		{
			Name: name, Doc: "bytes, or a tuple of several of which one will do",
			Type: "bytes or tuple",
		},
	}, stretch()...)...)
}

func startswithMember() host.Member {
	return host.Member{
		Name: "startswith", Doc: "Reports whether data begins with something.",
		Params: affix("prefix"), Result: "a bool",
		Example: `startswith(b"\x89PNG\r\n", b"\x89PNG")  # True
startswith(b"GIF89a", (b"GIF87a", b"GIF89a"))  # True`,
		Pure: true,
		Fn: func(data []byte, prefix starlark.Value, start, end *int) (bool, error) {
			return has(bytes.HasPrefix, data, "prefix", prefix, start, end)
		},
	}
}

func endswithMember() host.Member {
	return host.Member{
		Name: "endswith", Doc: "Reports whether data ends with something.",
		Params: affix("suffix"), Result: "a bool", Example: `endswith(b"a\n", b"\n")  # True`,
		Pure: true,
		Fn: func(data []byte, suffix starlark.Value, start, end *int) (bool, error) {
			return has(bytes.HasSuffix, data, "suffix", suffix, start, end)
		},
	}
}

func has(
	test func(_, _ []byte) bool, data []byte, param string, affix starlark.Value, start, end *int,
) (bool, error) {
	any, several := affix.(starlark.Tuple)
	if !several {
		any = starlark.Tuple{affix}
	}
	from, to, ok := clip(data, start, end)
	for _, one := range any {
		s, known := host.Octets(one)
		if !known {
			return false, fmt.Errorf(
				"for parameter %s: got %s, want bytes or a tuple of bytes", param, one.Type(),
			)
		}
		if ok && test(data[from:to], []byte(s)) {
			return true, nil
		}
	}
	return false, nil
}
