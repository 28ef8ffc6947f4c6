package json

import (
	"fmt"
	"strings"

	"go.starlark.net/starlark"
)

// DecodeLines returns the values that the lines of a text denote, as in JSON Lines and NDJSON.
// Empty lines are left out. The limits hold for all lines together; the error names the line.
func (l Limits) DecodeLines(text string) ([]starlark.Value, error) {
	d := decoder{limits: l.withDefaults()}
	if len(text) > d.limits.Bytes {
		return nil, beyond("%d bytes are more than %d", len(text), d.limits.Bytes)
	}
	var values []starlark.Value
	number := 0
	for line := range strings.Lines(text) {
		number++
		d.text, d.i, d.depth = strings.TrimRight(line, "\r\n"), 0, 0
		if !d.more() {
			continue
		}
		v, err := d.value()
		if err == nil && d.more() {
			err = d.errorf("unexpected character %q after value", d.text[d.i])
		}
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", number, err)
		}
		values = append(values, v)
	}
	return values, nil
}
