package json

import (
	"fmt"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

func (c codec) stream() host.Member {
	return host.Member{
		Name: "stream",
		Doc: "Writes a value as JSON while it is sent, as the body of a response: a long iterable, " +
			"wherever it is in the value, is asked for its elements as the client takes them, and " +
			"the text has no bound.",
		Params: []host.Param{
			{Name: "x", Doc: "as for encode", Type: "any", Pass: host.ByPosition},
			{
				Name: "lines", Type: "bool", Default: starlark.False, Pass: host.ByName,
				Doc: "whether x is an iterable of which each element becomes a line, as in JSON " +
					"Lines and NDJSON",
			},
		},
		Result: "an iterable of strings, each of 8 KiB or more but the last; of a line each for lines",
		Errors: []host.Failure{{
			When: "x is no iterable and lines is True; what encode would fail for ends the response",
		}},
		Example: `"".join(list(json.stream({"rows": range(3)})))  # "{\"rows\":[0,1,2]}"
list(json.stream([{"a": 1}, None], lines = True))  # ["{\"a\":1}\n", "null\n"]`,
		Fn: func(a host.Args) (starlark.Value, error) {
			var x starlark.Value
			var lines bool
			if err := a.Unpack(&x, &lines); err != nil {
				return nil, err
			}
			b := &host.Iterable{Object: "json.stream", Thread: a.Thread, Parts: []starlark.Value{x}}
			if lines {
				return c.lines(b, x)
			}
			b.Start = func() host.Steps {
				s := c.limits.Stream(x)
				next := func() (starlark.Value, bool, error) {
					block, ok, err := s.Next()
					return starlark.String(block), ok, err
				}
				return host.Steps{Next: next, Done: s.Done}
			}
			return b.Sized(-1), nil
		},
	}
}

// lines is a stream of one element a line.
func (c codec) lines(b *host.Iterable, x starlark.Value) (starlark.Value, error) {
	values, ok := x.(starlark.Iterable)
	if !ok {
		return nil, fmt.Errorf("for parameter x: got %s, want iterable, for lines", x.Type())
	}
	b.Start = func() host.Steps {
		return host.Each(values, func(v starlark.Value) (starlark.Value, error) {
			text, err := c.limits.Encode(v)
			return starlark.String(text + "\n"), err
		})
	}
	return b.Sized(-1), nil
}

func (c codec) decodeLines() host.Member {
	return host.Member{
		Name: "decode_lines",
		Doc: "Returns the values that the lines of a text denote, as in JSON Lines and NDJSON; empty " +
			"lines are left out.",
		Params: []host.Param{
			{Name: "x", Doc: "the text", Type: "string or bytes", Pass: host.ByPosition},
		},
		Result: "a list",
		Errors: []host.Failure{{
			When: "a line is not JSON (the message has its number), or all together are beyond the limits " +
				"of decode",
		}},
		Example: `json.decode_lines('{"a": 1}\n\n[2]\n')  # [{"a": 1}, [2]]
json.decode_lines("1\n[2")  # error: json.decode_lines: line 2: at offset 2, unexpected end of file`,
		Pure: true,
		Fn: func(a host.Args) (starlark.Value, error) {
			var x starlark.Value
			if err := a.Unpack(&x); err != nil {
				return nil, err
			}
			text, ok := host.Octets(x)
			if !ok {
				return nil, fmt.Errorf("for parameter x: got %s, want string or bytes", x.Type())
			}
			values, err := c.limits.DecodeLines(text)
			if err != nil {
				return nil, err
			}
			return starlark.NewList(values), nil
		},
	}
}
