// Package json is the host module @json: the functions and the results of the stock json module
// of go.starlark.net, within the bounds of package runtime/host/json.
package json

import (
	"fmt"
	"math"
	"strings"

	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/runtime/host/json"
	"go.starlark.net/starlark"
)

// Module describes @json with the limits that hold on an open network.
func Module() *host.Module { return Bounded(json.Limits{}) }

// Bounded describes @json with other limits. In runtime.Config.Modules it takes the place of the
// module that every program has.
func Bounded(l json.Limits) *host.Module {
	c := codec{l}
	return &host.Module{
		Name: "json",
		Doc:  "JSON of whatever a stranger may send: what is beyond the limits is an error.",
		Members: []host.Member{{
			Name: "json",
			Doc:  "The functions of the module.",
			Members: []host.Member{
				c.encode(), c.encodeIndent(), c.decode(), c.decodeLines(), c.indent(), c.stream(),
			},
		}},
	}
}

// A codec makes the functions for some limits.
type codec struct{ limits json.Limits }

// within returns the limits for a call that may be one with less memory.
func (c codec) within(t *starlark.Thread) json.Limits {
	l := c.limits
	room := int(min(host.Room(t), math.MaxInt32))
	if l.Memory == 0 || l.Memory > room {
		l.Memory = min(room, 256<<20)
	}
	if l.Bytes == 0 || l.Bytes > room {
		l.Bytes = min(room, 16<<20)
	}
	return l
}

func (c codec) encode() host.Member {
	return host.Member{
		Name: "encode",
		Doc: "Writes a value as JSON. The keys of a dict are in order; of a struct the fields " +
			"are encoded, of any other iterable the elements; a time becomes a string, by RFC 3339.",
		Params: []host.Param{
			{
				Name: "x",
				Doc:  "a value without bytes, functions or cycles in it",
				Type: "any",
				Pass: host.ByPosition,
			},
			{
				Name: "indent",
				Doc: "what a line begins with once for each level, or how many spaces, up to 100, as " +
					"in Python; None, the default, writes one line",
				Type:    "string, int or None",
				Default: starlark.None,
				Pass:    host.ByName,
			},
		},
		Result: "a string; without indent one that has no spaces or line breaks",
		Errors: []host.Failure{
			{When: "something in x has no JSON; the message has the path to it"},
			{When: "the text would be longer than 16 MiB, or nested deeper than 1,000"},
		},
		Example: `json.encode({"b": [1, 2.5], "a": None})  # "{\"a\":null,\"b\":[1,2.5]}"
json.encode([1], indent = 2)  # "[\n  1\n]"`,
		Pure: true,
		Fn: func(a host.Args) (starlark.Value, error) {
			var x, indent starlark.Value
			if err := a.Unpack(&x, &indent); err != nil {
				return nil, err
			}
			text, err := c.within(a.Thread).Encode(x)
			if err != nil || indent == starlark.None {
				return asString(text, err)
			}
			tab, err := tabOf(indent)
			if err != nil {
				return nil, err
			}
			return asString(c.within(a.Thread).Indent(text, "", tab))
		},
	}
}

func (c codec) encodeIndent() host.Member {
	return host.Member{
		Name: "encode_indent",
		Doc:  "Writes a value as JSON, with each element on a line of its own.",
		Params: append(
			[]host.Param{{Name: "x", Doc: "as for encode", Type: "any", Pass: host.ByPosition}},
			indents()...),
		Result: "a string",
		Errors: []host.Failure{{When: "encode would fail, or the text is too long"}},
		Example: `json.encode_indent({"a": [1]}, indent = "  ")` +
			`  # "{\n  \"a\": [\n    1\n  ]\n}"`,
		Pure: true,
		Fn: func(a host.Args) (starlark.Value, error) {
			var x starlark.Value
			var prefix, tab string
			if err := a.Unpack(&x, &prefix, &tab); err != nil {
				return nil, err
			}
			text, err := c.within(a.Thread).Encode(x)
			if err != nil {
				return nil, err
			}
			return asString(c.within(a.Thread).Indent(text, prefix, tab))
		},
	}
}

func (c codec) decode() host.Member {
	return host.Member{
		Name: "decode",
		Doc: "Returns the value that a JSON text denotes. A number with a point or an exponent " +
			"is a float, any other an int; of equal keys the last counts.",
		Params: []host.Param{
			{Name: "x", Doc: "the text", Type: "string or bytes", Pass: host.ByPosition},
			{
				Name:     "default",
				Doc:      "what is returned if the text is not JSON or beyond the limits",
				Type:     "any",
				Optional: true,
			},
		},
		Result: "None, a bool, an int, a float, a string, a list or a dict",
		Errors: []host.Failure{
			{
				When: "the text is not JSON, or beyond the limits of 16 MiB, 1,000 levels, " +
					"1,000,000 values, 100,000 keys in an object and 4,300 digits, and there is " +
					"no default",
			},
		},
		Example: `json.decode('{"a": [1, 2.5, null]}')  # {"a": [1, 2.5, None]}
json.decode("[1,", default = [])  # []
json.decode("[1,")  # error: json.decode: at offset 3, unexpected end of file`,
		Pure: true,
		Fn: func(a host.Args) (starlark.Value, error) {
			var x, other starlark.Value
			if err := a.Unpack(&x, &other); err != nil {
				return nil, err
			}
			text, ok := host.Octets(x)
			if !ok {
				return nil, fmt.Errorf("for parameter x: got %s, want string or bytes", x.Type())
			}
			v, err := c.within(a.Thread).Decode(text)
			if err != nil && other != nil {
				return other, nil
			}
			return v, err
		},
	}
}

func (c codec) indent() host.Member {
	return host.Member{
		Name: "indent",
		Doc:  "Writes a JSON text with each element on a line of its own.",
		Params: append(
			[]host.Param{{Name: "x", Doc: "the text", Type: "string", Pass: host.ByPosition}},
			indents()...),
		Result:  "a string",
		Errors:  []host.Failure{{When: "x is not JSON, or the text is too long"}},
		Example: `json.indent("[1,2]", indent = " ")  # "[\n 1,\n 2\n]"`,
		Pure:    true,
		Fn: func(a host.Args) (starlark.Value, error) {
			var text, prefix, tab string
			if err := a.Unpack(&text, &prefix, &tab); err != nil {
				return nil, err
			}
			return asString(c.within(a.Thread).Indent(text, prefix, tab))
		},
	}
}

// tabOf is what a line begins with for each level.
func tabOf(indent starlark.Value) (string, error) {
	switch indent := indent.(type) {
	case starlark.String:
		return string(indent), nil
	case starlark.Int:
		if n, ok := indent.Int64(); ok && n >= 0 && n <= 100 {
			return strings.Repeat(" ", int(n)), nil
		}
		return "", fmt.Errorf("for parameter indent: got %s, want 0 to 100 spaces", host.Show(indent))
	}
	return "", fmt.Errorf("for parameter indent: got %s, want string, int or None", indent.Type())
}

// asString returns a text as a value.
func asString(text string, err error) (starlark.Value, error) {
	if err != nil {
		return nil, err
	}
	return starlark.String(text), nil
}

// indents are the parameters of what writes several lines.
func indents() []host.Param {
	return []host.Param{
		{Name: "prefix", Doc: "what each line but the first begins with",
			Type: "string", Default: starlark.String(""), Pass: host.ByName},
		{Name: "indent", Doc: "what a line begins with once for each level",
			Type: "string", Default: starlark.String("\t"), Pass: host.ByName},
	}
}
