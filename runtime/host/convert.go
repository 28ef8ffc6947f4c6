package host

import (
	"errors"
	"fmt"
	"reflect"

	"go.starlark.net/starlark"
)

// Value returns what a script sees of a Go value, as it sees a result of a [Func]. Lists and dicts
// are new, and may be changed; a struct is copied, one behind a pointer is not.
//
// It fails for what has no counterpart, holds itself, or is nested more than 100 deep or larger than
// [MaxSize].
func Value(x any) (starlark.Value, error) {
	if x == nil {
		return starlark.None, nil
	}
	o := newOutward()
	return o.value(reflect.ValueOf(x))
}

// Unpack stores v in the variable that ptr points to, as an argument of a [Func] is: what a script
// returned or a file of settings says becomes a Go value. The error says what of it has a wrong
// type; the variable may have been changed then.
//
// It panics if ptr is not a pointer to a variable of a type that has a counterpart.
func Unpack(v starlark.Value, ptr any) error {
	p := reflect.ValueOf(ptr)
	if p.Kind() != reflect.Pointer || p.IsNil() {
		panic(fmt.Sprintf("host: Unpack into a %T: want a pointer to a variable", ptr))
	}
	if err := convertible(p.Type().Elem()); err != nil {
		panic(fmt.Sprintf("host: Unpack into a %T: %v", ptr, err))
	}
	if v == nil {
		return errors.New("host: Unpack: there is no value")
	}
	in := newInward()
	return in.store(v, p.Elem())
}

// maxDepth is how deep a value may be nested that is converted.
const maxDepth = 100

var errOverdeep = fmt.Errorf("it is nested more than %d deep", maxDepth)

// A conversion is what may still be converted, and what is being converted: a value that holds
// others twice, again and again, is small in memory and has no end.
type conversion[T comparable] struct {
	left int // bytes, an element being [Element]
	path []T
}

// count takes n bytes and an element off what is left.
func (c *conversion[T]) count(n int) error {
	if c.left -= n + Element; c.left < 0 {
		return fmt.Errorf("it is larger than %d bytes", MaxSize)
	}
	return nil
}

// within runs f for what is inside the container id.
func (c *conversion[T]) within(id T, f func() error) error {
	for _, outer := range c.path {
		if outer == id {
			return errors.New("it holds itself")
		}
	}
	if len(c.path) == maxDepth {
		return errOverdeep
	}
	c.path = append(c.path, id)
	err := f()
	c.path = c.path[:len(c.path)-1]
	return err
}
