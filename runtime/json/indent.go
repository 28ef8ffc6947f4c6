package json

import (
	"bytes"
	"encoding/json"
	"fmt"

	"go.starlark.net/starlark"
)

// indent(x, *, prefix="", indent="\t") returns the JSON text x with each element on a line of its
// own.
func indent(l *Limits, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var text string
	if err := starlark.UnpackPositionalArgs(b.Name(), args, nil, 1, &text); err != nil {
		return nil, err
	}
	return l.indent(b, text, kwargs)
}

// encode_indent(x, *, prefix="", indent="\t") is indent(encode(x), prefix=prefix, indent=indent).
func encodeIndent(l *Limits, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	text, err := encode(l, b, args, nil)
	if err != nil {
		return nil, err
	}
	return l.indent(b, string(text.(starlark.String)), kwargs)
}

func (l *Limits) indent(b *starlark.Builtin, text string, kwargs []starlark.Tuple) (starlark.Value, error) {
	prefix, tab := "", "\t"
	if err := starlark.UnpackArgs(b.Name(), nil, kwargs, "prefix?", &prefix, "indent?", &tab); err != nil {
		return nil, err
	}
	if err := l.indentable(text, len(prefix), len(tab)); err != nil {
		return nil, fmt.Errorf("%s: %w", b.Name(), err)
	}
	var out bytes.Buffer
	if err := json.Indent(&out, []byte(text), prefix, tab); err != nil {
		return nil, fmt.Errorf("%s: %w", b.Name(), err)
	}
	return starlark.String(out.String()), nil
}

// indentable reports an error if the indented text would be longer, or is nested deeper, than the
// limits allow. Each line costs as many tabs as it is deep, so length multiplies.
func (l *Limits) indentable(text string, prefix, tab int) error {
	size, depth, quoted := len(text), 0, false
	for i := 0; i < len(text) && size <= l.Bytes; i++ {
		switch c := text[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '[' || c == '{':
			if depth++; depth > l.Depth {
				return fmt.Errorf("nested deeper than %d", l.Depth)
			}
			size += 1 + prefix + depth*tab
		case c == ']' || c == '}':
			depth = max(depth-1, 0)
			size += 1 + prefix + depth*tab
		case c == ',':
			size += 1 + prefix + depth*tab
		case c == ':':
			size++
		}
	}
	if size > l.Bytes {
		return fmt.Errorf("the JSON is longer than %d bytes", l.Bytes)
	}
	return nil
}
