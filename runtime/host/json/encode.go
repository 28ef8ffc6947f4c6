package json

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	startime "go.starlark.net/lib/time"
	"go.starlark.net/starlark"
)

// Encode returns the JSON of a Starlark value. The first that fits counts: a value that implements
// json.Marshaler, a time (as RFC 3339 writes it), None, a bool, an int, a finite float, a string; a
// mapping with strings as keys, in the order of these; an iterable; a value with attributes (a
// struct). The error names the path to what cannot be encoded.
func (l Limits) Encode(x starlark.Value) (string, error) {
	e := encoder{limits: l.withDefaults()}
	if err := e.value(x); err != nil {
		return "", err
	}
	return string(e.out), nil
}

// An encoder writes one value. It never holds more than the limit and the string it is about.
type encoder struct {
	out    []byte
	path   []frame
	limits Limits
}

// A frame is a container that is being written, and which of its elements.
type frame struct {
	container starlark.Value
	index     int
	key       string // of a mapping or of attributes
}

func (f frame) String() string {
	switch f.container.(type) {
	case starlark.IterableMapping:
		return fmt.Sprintf("in %s key %s", f.container.Type(), strconv.Quote(f.key))
	case starlark.Iterable:
		return fmt.Sprintf("at %s index %d", f.container.Type(), f.index)
	}
	return "in field ." + f.key
}

// errorf is an error at the element that is being written.
func (e *encoder) errorf(format string, args ...any) error {
	return fmt.Errorf("%s%w", e.place(), fmt.Errorf(format, args...))
}

func (e *encoder) beyond(format string, args ...any) error {
	return beyond("%s%s", e.place(), fmt.Sprintf(format, args...))
}

// place is the path to the element that is being written.
func (e *encoder) place() string {
	const shown = 10
	var path strings.Builder
	for i, f := range e.path {
		if i == shown {
			path.WriteString("...: ")
			break
		}
		path.WriteString(f.String() + ": ")
	}
	return path.String()
}

// room reports an error if n bytes more would be too many.
func (e *encoder) room(n int) error {
	if n > e.limits.Bytes-len(e.out) {
		return e.beyond("the JSON is longer than %d bytes", e.limits.Bytes)
	}
	return nil
}

func (e *encoder) write(s string) error {
	if err := e.room(len(s)); err != nil {
		return err
	}
	e.out = append(e.out, s...)
	return nil
}

func (e *encoder) value(x starlark.Value) error {
	switch x := x.(type) {
	case json.Marshaler:
		data, err := x.MarshalJSON()
		if err != nil {
			return e.errorf("%w", err)
		}
		return e.write(string(data))
	case startime.Time:
		return e.string(time.Time(x).Format(time.RFC3339Nano))
	case starlark.NoneType:
		return e.write("null")
	case starlark.Bool:
		return e.write(strconv.FormatBool(bool(x)))
	case starlark.Int:
		return e.int(x)
	case starlark.Float:
		if math.IsInf(float64(x), 0) || math.IsNaN(float64(x)) {
			return e.errorf("cannot encode non-finite float %v", x)
		}
		return e.write(x.String()) // has always a point or an exponent
	case starlark.String:
		return e.string(string(x))
	case starlark.Bytes:
		return e.errorf("cannot encode bytes as JSON; str(x) is the text that they are in UTF-8")
	case starlark.IterableMapping:
		return e.mapping(x)
	case starlark.Iterable:
		return e.iterable(x)
	case starlark.HasAttrs:
		return e.attrs(x)
	}
	return e.errorf("cannot encode %s as JSON", x.Type())
}

func (e *encoder) int(x starlark.Int) error {
	if i, ok := x.Int64(); ok {
		return e.write(strconv.FormatInt(i, 10))
	}
	// A digit has 3.32 bits.
	if bits := x.BigInt().BitLen(); float64(bits) > 3.33*float64(e.limits.Digits) {
		return e.beyond("int of %d bits has more than %d digits", bits, e.limits.Digits)
	}
	return e.write(x.String())
}

// enter opens a container.
func (e *encoder) enter(x starlark.Value, bracket string) error {
	if len(e.path) >= e.limits.Depth {
		return e.tooDeep()
	}
	e.path = append(e.path, frame{container: x})
	return e.write(bracket)
}

func (e *encoder) leave(bracket string) error {
	e.path = e.path[:len(e.path)-1]
	return e.write(bracket)
}

// at goes to the next element of the innermost container.
func (e *encoder) at(i int, key string) error {
	f := &e.path[len(e.path)-1]
	f.index, f.key = i, key
	if i > 0 {
		return e.write(",")
	}
	return nil
}

func (e *encoder) element(i int, v starlark.Value) error {
	if err := e.at(i, ""); err != nil {
		return err
	}
	return e.value(v)
}

// member writes the key and the value of an object's member.
func (e *encoder) member(i int, key string, v starlark.Value) error {
	if err := e.at(i, key); err != nil {
		return err
	}
	if err := e.string(key); err != nil {
		return err
	}
	if err := e.write(":"); err != nil {
		return err
	}
	return e.value(v)
}

// items returns the items of a mapping, in the order of their keys.
func (e *encoder) items(x starlark.IterableMapping) ([]starlark.Tuple, error) {
	items := x.Items()
	for _, item := range items {
		if _, ok := item[0].(starlark.String); !ok {
			return nil, e.errorf("%s has %s key, want string", x.Type(), item[0].Type())
		}
	}
	slices.SortFunc(items, func(a, b starlark.Tuple) int {
		return cmp.Compare(a[0].(starlark.String), b[0].(starlark.String))
	})
	return items, nil
}

func (e *encoder) mapping(x starlark.IterableMapping) error {
	if len(e.path) >= e.limits.Depth {
		return e.tooDeep() // before its items are sorted
	}
	items, err := e.items(x)
	if err != nil {
		return err
	}
	if err := e.enter(x, "{"); err != nil {
		return err
	}
	for i, item := range items {
		if err := e.member(i, string(item[0].(starlark.String)), item[1]); err != nil {
			return err
		}
	}
	return e.leave("}")
}

func (e *encoder) iterable(x starlark.Iterable) error {
	if err := e.enter(x, "["); err != nil {
		return err
	}
	if seq, ok := x.(starlark.Indexable); ok {
		for i := 0; i < seq.Len(); i++ { // an iterator costs more than most elements
			if err := e.element(i, seq.Index(i)); err != nil {
				return err
			}
		}
		return e.leave("]")
	}
	i := 0
	for v := range starlark.Elements(x) {
		if err := e.element(i, v); err != nil {
			return err
		}
		i++
	}
	return e.leave("]")
}

func (e *encoder) attrs(x starlark.HasAttrs) error {
	if err := e.enter(x, "{"); err != nil {
		return err
	}
	for i, name := range slices.Sorted(slices.Values(x.AttrNames())) {
		v, err := x.Attr(name)
		if err == nil && v == nil {
			err = starlark.NoSuchAttrError(fmt.Sprintf("%s has no .%s", x.Type(), name))
		}
		if err != nil {
			return e.errorf("cannot access attribute %s.%s: %w", x.Type(), name, err)
		}
		if err := e.member(i, name, v); err != nil {
			return err
		}
	}
	return e.leave("}")
}

// tooDeep is the error at the limit of depth. Whoever meets that holds itself, most likely.
func (e *encoder) tooDeep() error {
	seen := make(map[uintptr]bool)
	for i, f := range e.path {
		v := reflect.ValueOf(f.container)
		if v.Kind() != reflect.Pointer && v.Kind() != reflect.Slice ||
			v.Kind() == reflect.Slice && v.Len() == 0 {
			continue
		}
		if seen[v.Pointer()] {
			e.path = e.path[:i]
			return e.errorf("cycle in JSON structure")
		}
		seen[v.Pointer()] = true
	}
	return e.beyond("nested deeper than %d", e.limits.Depth)
}

// string writes a string. Bytes that are not UTF-8 become U+FFFD. U+2028 and U+2029 are escaped,
// because they end a line in the JavaScript that JSON is pasted into.
func (e *encoder) string(s string) error {
	if err := e.room(len(s) + 2); err != nil {
		return err
	}
	e.out = append(e.out, '"')
	start := 0
	for i := 0; i < len(s); {
		r, size := rune(s[i]), 1
		if r >= utf8.RuneSelf {
			r, size = utf8.DecodeRuneInString(s[i:])
		}
		if r >= ' ' && r != '"' && r != '\\' && r != '\u2028' && r != '\u2029' &&
			!(r == utf8.RuneError && size == 1) {
			i += size
			continue
		}
		e.out = append(e.out, s[start:i]...)
		e.out = appendEscape(e.out, r)
		if err := e.room(0); err != nil {
			return err // an escape is up to six times what it stands for
		}
		i += size
		start = i
	}
	e.out = append(append(e.out, s[start:]...), '"')
	return e.room(0)
}

func appendEscape(out []byte, r rune) []byte {
	switch r {
	case '"', '\\':
		return append(out, '\\', byte(r))
	case '\n':
		return append(out, `\n`...)
	case '\r':
		return append(out, `\r`...)
	case '\t':
		return append(out, `\t`...)
	}
	const hex = "0123456789abcdef"
	return append(out, '\\', 'u', hex[r>>12&15], hex[r>>8&15], hex[r>>4&15], hex[r&15])
}
