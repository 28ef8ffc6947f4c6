package json

import (
	"bytes"
	"encoding/json"
)

// Indent returns a JSON text with each element on a line of its own, which begins with prefix and
// as many tabs as it is deep.
func (l Limits) Indent(text, prefix, tab string) (string, error) {
	l = l.withDefaults()
	if err := l.indentable(text, len(prefix), len(tab)); err != nil {
		return "", err
	}
	var out bytes.Buffer
	if err := json.Indent(&out, []byte(text), prefix, tab); err != nil {
		return "", err
	}
	return out.String(), nil
}

// indentable reports an error if the indented text would be longer, or is nested deeper, than the
// limits allow. Each line costs as many tabs as it is deep, so length multiplies.
func (l Limits) indentable(text string, prefix, tab int) error {
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
				return beyond("nested deeper than %d", l.Depth)
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
		return beyond("the JSON is longer than %d bytes", l.Bytes)
	}
	return nil
}
