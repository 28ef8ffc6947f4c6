package environ

import (
	"hash/maphash"
	"sync/atomic"

	"go.starlark.net/starlark"
)

// values keeps the Starlark values of strings that come again and again: methods, addresses, the
// header values of a browser that asks for one file after the other. Boxing a string costs an
// allocation, and an environ has thirty.
//
// It is a table of fixed size in which a string displaces whatever was in its place, so it is
// bounded (slots times longest) whatever clients send. Entries are immutable; it is safe for
// concurrent use. The seed is the process's, so that nobody can choose what is displaced.
type values struct {
	table [slots]atomic.Pointer[boxed]
}

const (
	slots   = 1024
	longest = 256
)

type boxed struct {
	s string
	v starlark.Value
}

var seed = maphash.MakeSeed()

// of returns s as a value.
func (t *values) of(s string) starlark.Value {
	if s == "" {
		return empty
	}
	if len(s) > longest {
		return starlark.String(s)
	}
	slot := &t.table[maphash.String(seed, s)%slots]
	if b := slot.Load(); b != nil && b.s == s {
		return b.v
	}
	v := starlark.Value(starlark.String(s))
	slot.Store(&boxed{s, v})
	return v
}

var empty starlark.Value = starlark.String("")
