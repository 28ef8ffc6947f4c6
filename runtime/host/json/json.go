// Package json encodes and decodes values of scripts, as the stock json module of go.starlark.net
// does, for input that a stranger wrote.
//
// The stock decoder recurs once for each bracket (1.3 MB of "[" end the process), works on the
// digits of a number in quadratic time (a million digits take two seconds, ten million minutes),
// and fills dicts whose hash of a short key is public (40,000 keys that collide, in 625 KB, take
// two seconds); its encoder writes out a list that holds itself forty times over. None of these
// can be interrupted. Here each is an error, a [LimitError], at a bound that [Limits] sets.
package json

import (
	"fmt"

	"go.starlark.net/starlark"
)

// Limits bound one call of each function. The zero value holds on an open network; a field that
// is zero has the value that is said of it.
type Limits struct {
	// Bytes is the length of what is decoded, encoded or indented. Zero means 16 MiB.
	Bytes int
	// Depth is how deep arrays and objects may be nested. Zero means 1,000.
	Depth int
	// Digits is the length of one number as written. Zero means 4,300, as in Python.
	Digits int
	// Keys is how many keys one object may have. Zero means 100,000.
	Keys int
	// AllKeys is how many keys all objects of a text may have together. Zero means 1,000,000.
	AllKeys int
	// Values is how many values a decoded text may have in all; "[],[],[]," is 25 times its length
	// in memory. Zero means 1,000,000.
	Values int
	// Memory is how many bytes what is decoded may take, about. Zero means 256 MiB.
	Memory int
}

// Decode is that of the zero [Limits].
func Decode(text string) (starlark.Value, error) { return Limits{}.Decode(text) }

// Encode is that of the zero [Limits].
func Encode(x starlark.Value) (string, error) { return Limits{}.Encode(x) }

// A LimitError says that a text or a value is beyond one of the [Limits].
type LimitError struct{ msg string }

func (e *LimitError) Error() string { return e.msg }

// beyond returns a LimitError.
func beyond(format string, args ...any) error {
	return &LimitError{fmt.Sprintf(format, args...)}
}

func (l Limits) withDefaults() Limits {
	for _, field := range []struct {
		n    *int
		zero int
	}{
		{&l.Bytes, 16 << 20}, {&l.Depth, 1000}, {&l.Digits, 4300},
		{&l.Keys, 100_000}, {&l.AllKeys, 1_000_000}, {&l.Values, 1_000_000},
		{&l.Memory, 256 << 20},
	} {
		if *field.n == 0 {
			*field.n = field.zero
		}
	}
	return l
}
