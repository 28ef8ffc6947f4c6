package host

import (
	"errors"
	"fmt"
	"math/big"
	"reflect"
	"time"

	startime "go.starlark.net/lib/time"
	"go.starlark.net/starlark"
)

// The Go types that are treated otherwise than their kind says.
var (
	valueType    = reflect.TypeFor[starlark.Value]()
	anyType      = reflect.TypeFor[any]()
	bigType      = reflect.TypeFor[*big.Int]()
	timeType     = reflect.TypeFor[time.Time]()
	durationType = reflect.TypeFor[time.Duration]()
)

// supported names the types that have a counterpart.
const supported = "string, []byte, bool, int, uint and float of every size, *big.Int, time.Time, " +
	"time.Duration, any and other interfaces, structs, pointers, slices, maps with string keys, " +
	"and what implements starlark.Value"

// maxTypes is how deep a type may be nested: a type may hold itself (type t []t).
const maxTypes = 10

// convertible returns an error that names t, or the type inside it, that has no counterpart. A
// struct has one whatever its fields are: one that has none is said when a script asks for it.
func convertible(t reflect.Type) error { return convertibleTo(t, maxTypes) }

func convertibleTo(t reflect.Type, depth int) error {
	if t.Implements(valueType) || t == bigType {
		return nil
	}
	switch t {
	case contextType, threadType, callType:
		return fmt.Errorf("%v stands before the parameters that a script passes", t)
	case errorType:
		return errors.New("error is the last result")
	}
	if depth == 0 {
		return fmt.Errorf("it is nested more than %d deep, in %v", maxTypes, t)
	}
	switch t.Kind() {
	case reflect.String, reflect.Bool, reflect.Float32, reflect.Float64,
		reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64,
		reflect.Interface, reflect.Struct:
		return nil
	case reflect.Slice, reflect.Pointer:
		return convertibleTo(t.Elem(), depth-1)
	case reflect.Map:
		if t.Key().Kind() == reflect.String {
			return convertibleTo(t.Elem(), depth-1)
		}
	}
	return fmt.Errorf("%v has no counterpart in Starlark; there is one for %s", t, supported)
}

// typeNames are what a script calls the Go types whose name does not say.
var typeNames = map[reflect.Type]string{
	valueType:                            "any",
	anyType:                              "any",
	bigType:                              "int",
	timeType:                             startime.Time{}.Type(),
	durationType:                         startime.Duration(0).Type(),
	reflect.TypeFor[[]byte]():            "bytes",
	reflect.TypeFor[starlark.Callable](): "callable",
	reflect.TypeFor[starlark.Iterable](): "iterable",
	reflect.TypeFor[starlark.IterableMapping](): "dict",
	reflect.TypeFor[starlark.HasSetKey]():       "dict",
	reflect.TypeFor[*starlark.List]():           "list",
	reflect.TypeFor[*starlark.Dict]():           "dict",
}

// typeName is what a script calls the values of a convertible type.
func typeName(t reflect.Type) string {
	if name, ok := typeNames[t]; ok {
		return name
	}
	if t.Implements(valueType) {
		return zeroType(t)
	}
	switch kind := t.Kind(); kind {
	case reflect.Slice:
		return "list"
	case reflect.Map:
		return "dict"
	case reflect.Float32, reflect.Float64:
		return "float"
	case reflect.String, reflect.Bool:
		return kind.String()
	case reflect.Pointer:
		return typeName(t.Elem())
	case reflect.Struct, reflect.Interface:
		if t.Name() == "" {
			return kind.String()
		}
		return t.Name()
	}
	return "int"
}

// zeroType is what the zero value of a type of values says of itself, or else the name of the Go
// type.
func zeroType(t reflect.Type) (name string) {
	defer func() {
		if recover() != nil || name == "" {
			name = t.String()
		}
	}()
	if v, ok := reflect.Zero(t).Interface().(starlark.Value); ok {
		name = v.Type()
	}
	return name
}

// MaxElements bounds what a builtin that works through its argument in one go is given: no limit
// of a call can end it meanwhile.
const MaxElements = 1 << 20

// CheckElements returns an error if v has more than [MaxElements].
func CheckElements(v starlark.Value) error {
	if n := starlark.Len(v); n > MaxElements {
		if _, ok := v.(starlark.Iterable); ok {
			return fmt.Errorf(
				"%s of %d elements is more than the %d that a builtin takes at once: use a loop",
				v.Type(), n, MaxElements,
			)
		}
	}
	return nil
}
