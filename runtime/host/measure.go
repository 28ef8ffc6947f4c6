package host

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"
)

const (
	// MaxSize is how many bytes a value may have that is hashed, compared or written at once. What
	// stands in it twice counts twice: a tuple that holds another twice, sixty times over, is small
	// in memory, but has 2^60 elements to visit, all in one step of the interpreter.
	MaxSize = 128 << 20
	// maxNesting is how deep it may be: hashing recurs.
	maxNesting = 10_000
	// Element is what an element counts besides the bytes of a string.
	Element = 32
	// short is how many elements a tuple has at most that is measured by a glance, as what a format
	// is given.
	short = 16
)

var (
	errLarge = errors.New("too large")
	errDeep  = fmt.Errorf("nested more than %d deep", maxNesting)
)

// Measure returns an error if v has more than most bytes, or is nested too deep. It takes no longer
// than what it measures would. A string has always room: nothing in it is repeated.
func Measure(v starlark.Value, most int) error {
	m := measure{left: most}
	switch v := v.(type) {
	case starlark.Tuple:
		if len(v) <= short && !slices.ContainsFunc(v, contains) {
			return nil
		}
		return m.whole(v)
	case *starlark.List, *starlark.Dict, *starlark.Set, *starlarkstruct.Struct:
		return m.whole(v)
	}
	return nil
}

// SizeOf returns how many bytes v has, as [Measure] counts them, [MaxSize] if it has more.
func SizeOf(v starlark.Value) int {
	m := measure{left: MaxSize}
	if m.value(v) != nil {
		return MaxSize
	}
	return MaxSize - m.left
}

// contains reports whether v is no string and no number.
func contains(v starlark.Value) bool {
	switch v.(type) {
	case starlark.String, starlark.Int, starlark.Float, starlark.Bool:
		return false
	}
	return true
}

// whole counts v, and says what is wrong with it.
func (m *measure) whole(v starlark.Value) error {
	most := m.left
	switch err := m.value(v); err {
	case errLarge:
		return fmt.Errorf("%s is larger than %d bytes", v.Type(), most)
	case errDeep:
		return fmt.Errorf("%s is %w", v.Type(), err)
	}
	return nil
}

// A measure is how many bytes are left, and the containers that are being measured.
type measure struct {
	left int
	path []starlark.Value
}

// value counts v.
func (m *measure) value(v starlark.Value) error {
	if m.left -= Element; m.left < 0 {
		return errLarge
	}
	switch v := v.(type) {
	case starlark.String:
		m.left -= len(v)
	case starlark.Bytes:
		m.left -= len(v)
	case *starlark.Function:
		m.left -= len(v.Name())
	case starlark.Int:
		if _, small := v.Int64(); !small {
			m.left -= v.BigInt().BitLen() / 8
		}
	case starlark.Tuple, *starlark.List, *starlark.Dict, *starlark.Set, *starlarkstruct.Struct:
		return m.container(v)
	}
	if m.left < 0 {
		return errLarge
	}
	return nil
}

// container counts the elements of v. One that is inside itself has no more of them.
func (m *measure) container(v starlark.Value) error {
	switch v.(type) {
	case *starlark.List, *starlark.Dict:
		if slices.Contains(m.path, v) {
			return nil
		}
		m.left -= len(m.path)
	}
	if len(m.path) == maxNesting {
		return errDeep
	}
	m.path = append(m.path, v)
	err := m.elements(v)
	m.path = m.path[:len(m.path)-1]
	return err
}

func (m *measure) elements(v starlark.Value) error {
	switch v := v.(type) {
	case starlark.Tuple:
		for _, x := range v {
			if err := m.value(x); err != nil {
				return err
			}
		}
	case *starlark.List:
		for i := range v.Len() {
			if err := m.value(v.Index(i)); err != nil {
				return err
			}
		}
	case *starlark.Set:
		for x := range v.Elements() {
			if err := m.value(x); err != nil {
				return err
			}
		}
	case *starlark.Dict:
		for key, x := range v.Entries() {
			if err := cmp.Or(m.value(key), m.value(x)); err != nil {
				return err
			}
		}
	case *starlarkstruct.Struct:
		for _, name := range v.AttrNames() {
			field, _ := v.Attr(name)
			if err := m.value(field); err != nil {
				return err
			}
		}
	}
	return nil
}
