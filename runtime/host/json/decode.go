package json

import (
	"encoding/json"
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.starlark.net/starlark"
)

// Decode returns the Starlark value that the JSON text denotes: None, a bool, an int, a float if
// there is a point or an exponent in it, a string, a list or a dict. Of equal keys the last counts.
// The error names the offset in bytes.
func (l Limits) Decode(text string) (starlark.Value, error) {
	d := decoder{text: text, limits: l.withDefaults()}
	if len(text) > d.limits.Bytes {
		return nil, beyond("%d bytes are more than %d", len(text), d.limits.Bytes)
	}
	v, err := d.value()
	if err == nil && d.more() {
		err = d.errorf("unexpected character %q after value", text[d.i])
	}
	if err != nil {
		return nil, err
	}
	return v, nil
}

// A decoder reads one text, RFC 8259, from left to right. Its methods leave d.i behind what they
// read, or at the fault.
type decoder struct {
	text   string
	i      int
	depth  int
	keys   int
	values int
	memory int // that the values take, about
	limits Limits
}

func (d *decoder) errorf(format string, args ...any) error {
	return fmt.Errorf("at offset %d, %s", d.i, fmt.Sprintf(format, args...))
}

func (d *decoder) beyond(format string, args ...any) error {
	return beyond("at offset %d, %s", d.i, fmt.Sprintf(format, args...))
}

// more skips white space, and reports whether something comes after it.
func (d *decoder) more() bool {
	for ; d.i < len(d.text); d.i++ {
		switch d.text[d.i] {
		case ' ', '\t', '\n', '\r':
		default:
			return true
		}
	}
	return false
}

// next skips white space, and returns what comes after it, without reading it.
func (d *decoder) next() (byte, error) {
	if !d.more() {
		return 0, d.errorf("unexpected end of file")
	}
	return d.text[d.i], nil
}

func (d *decoder) value() (starlark.Value, error) {
	c, err := d.next()
	if err != nil {
		return nil, err
	}
	if d.values++; d.values > d.limits.Values {
		return nil, d.beyond("more than %d values", d.limits.Values)
	}
	switch {
	case c == '"':
		return d.string()
	case c == '[':
		return d.array()
	case c == '{':
		return d.object()
	case c == '-' || isDigit(c):
		return d.number()
	case d.word("null"):
		return starlark.None, nil
	case d.word("true"):
		return starlark.True, nil
	case d.word("false"):
		return starlark.False, nil
	}
	return nil, d.errorf("unexpected character %q", c)
}

func (d *decoder) word(w string) bool {
	if !strings.HasPrefix(d.text[d.i:], w) {
		return false
	}
	d.i += len(w)
	return true
}

// enter reads the bracket that opens an array or an object.
func (d *decoder) enter() error {
	if d.depth++; d.depth > d.limits.Depth {
		return d.beyond("nested deeper than %d", d.limits.Depth)
	}
	d.i++
	return nil
}

func (d *decoder) array() (starlark.Value, error) {
	if err := d.enter(); err != nil {
		return nil, err
	}
	var elems []starlark.Value
	for {
		c, err := d.next()
		if err != nil {
			return nil, err
		}
		if c == ']' && elems == nil {
			break
		}
		v, err := d.value()
		if err != nil {
			return nil, err
		}
		elems = append(elems, v)
		if c, err = d.next(); err != nil {
			return nil, err
		}
		if c == ']' {
			break
		}
		if c != ',' {
			return nil, d.errorf("got %q, want ',' or ']'", c)
		}
		d.i++
	}
	d.i++
	d.depth--
	if err := d.takes(listSize + len(elems)*elementSize); err != nil {
		return nil, err
	}
	return starlark.NewList(elems), nil
}

func (d *decoder) object() (starlark.Value, error) {
	if err := d.enter(); err != nil {
		return nil, err
	}
	var members []member
	for {
		c, err := d.next()
		if err != nil {
			return nil, err
		}
		if c == '}' && members == nil {
			break
		}
		if c != '"' {
			return nil, d.errorf("unexpected character %q, want a string as object key", c)
		}
		m, err := d.member()
		if err != nil {
			return nil, err
		}
		if members = append(members, m); len(members) > d.limits.Keys {
			return nil, d.beyond("more than %d keys in an object", d.limits.Keys)
		}
		if d.keys++; d.keys > d.limits.AllKeys {
			return nil, d.beyond("more than %d keys", d.limits.AllKeys)
		}
		if c, err = d.next(); err != nil {
			return nil, err
		}
		if c == '}' {
			break
		}
		if c != ',' {
			return nil, d.errorf("in object, got %q, want ',' or '}'", c)
		}
		d.i++
	}
	d.i++
	d.depth--
	if collide(members) {
		return nil, d.beyond("too many keys of an object collide")
	}
	if err := d.takes(dictSize + max(len(members)-dictRoom, 0)*entrySize); err != nil {
		return nil, err
	}
	dict := starlark.NewDict(len(members))
	for _, m := range members {
		dict.SetKey(m.key, m.value) // cannot fail: a string is hashable, the dict is ours
	}
	return dict, nil
}

// What the values take, in Go's sizes.
const (
	elementSize = 32 // with the head of a string
	listSize    = 48
	dictSize    = 512
	dictRoom    = 8 // entries that are a part of that
	entrySize   = 104
)

// takes reports an error if n bytes more are too many.
func (d *decoder) takes(n int) error {
	if d.memory += n; d.memory > d.limits.Memory {
		return d.beyond("the values take more than %d bytes of memory", d.limits.Memory)
	}
	return nil
}

func (d *decoder) member() (m member, err error) {
	if m.key, err = d.string(); err != nil {
		return m, err
	}
	c, err := d.next()
	if err != nil {
		return m, err
	}
	if c != ':' {
		return m, d.errorf("after object key, got %q, want ':'", c)
	}
	d.i++
	m.value, err = d.value()
	return m, err
}

// string reads a string. Bytes that are not UTF-8, and halves of surrogate pairs, become U+FFFD.
func (d *decoder) string() (starlark.String, error) {
	plain := true
	for j := d.i + 1; j < len(d.text); j++ {
		switch c := d.text[j]; {
		case c == '\\':
			plain = false
			j++ // whatever is escaped, it is not the closing quote
		case c < ' ':
			// RFC 8259, section 7: "the control characters (U+0000 through U+001F)" must be
			// escaped.
			d.i = j
			return "", d.errorf("unexpected character %q in a string", c)
		case c >= utf8.RuneSelf:
			plain = false
		case c == '"':
			literal := d.text[d.i : j+1]
			if plain {
				d.i = j + 1
				return starlark.String(literal[1 : len(literal)-1]), nil
			}
			var s string
			if err := json.Unmarshal([]byte(literal), &s); err != nil {
				return "", d.errorf("%v", err)
			}
			d.i = j + 1
			return starlark.String(s), nil
		}
	}
	return "", d.errorf("unclosed string literal")
}

// number reads a number.
//
// RFC 8259, section 6: number = [ minus ] int [ frac ] [ exp ], and int has no leading zero.
func (d *decoder) number() (starlark.Value, error) {
	start, integer := d.i, true
	d.sign("-")
	zero := d.i < len(d.text) && d.text[d.i] == '0'
	n := d.digits()
	ok := n == 1 || n > 1 && !zero
	if ok && d.word(".") {
		integer, ok = false, d.digits() > 0
	}
	if ok && (d.word("e") || d.word("E")) {
		d.sign("+-")
		integer, ok = false, d.digits() > 0
	}
	literal := d.text[start:d.i]
	// A character that can only belong to a number is part of the fault: 1.2.3, --1, 0x1 is not.
	if d.i < len(d.text) && strings.IndexByte("+-.eE", d.text[d.i]) >= 0 {
		ok = false
		literal = d.text[start : d.i+1]
	}
	d.i = start
	switch {
	case len(literal) > d.limits.Digits:
		return nil, d.beyond(
			"number of %d characters is longer than %d", len(literal), d.limits.Digits,
		)
	case !ok:
		return nil, d.errorf("invalid number: %s", literal)
	}
	d.i += len(literal)
	if !integer {
		f, err := strconv.ParseFloat(literal, 64)
		if err != nil {
			d.i = start
			return nil, d.errorf("number out of range: %s", literal)
		}
		return starlark.Float(f), nil
	}
	if i, err := strconv.ParseInt(literal, 10, 64); err == nil {
		return starlark.MakeInt64(i), nil
	}
	i, _ := new(big.Int).SetString(literal, 10) // cannot fail: digits only
	return starlark.MakeBigInt(i), nil
}

func (d *decoder) sign(signs string) {
	if d.i < len(d.text) && strings.IndexByte(signs, d.text[d.i]) >= 0 {
		d.i++
	}
}

func (d *decoder) digits() (n int) {
	for ; d.i < len(d.text) && isDigit(d.text[d.i]); d.i++ {
		n++
	}
	return n
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
