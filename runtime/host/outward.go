package host

import (
	"fmt"
	"maps"
	"math/big"
	"reflect"
	"slices"
	"time"
	"unsafe"

	startime "go.starlark.net/lib/time"
	"go.starlark.net/starlark"
)

// An outward conversion makes Starlark values of Go values.
type outward struct{ conversion[memory] }

// memory is what a slice, a map or a pointer refers to.
type memory struct {
	at  unsafe.Pointer
	len int // of a slice: one that begins where another does may be inside it
}

func newOutward() *outward { return &outward{conversion[memory]{left: MaxSize}} }

// fromGo returns what a script sees of v.
func fromGo(v reflect.Value) (starlark.Value, error) { return newOutward().value(v) }

func (o *outward) value(v reflect.Value) (starlark.Value, error) {
	t := v.Type()
	if t.Implements(valueType) {
		return given(v), nil
	}
	if err := o.count(0); err != nil {
		return nil, err
	}
	switch t {
	case bigType:
		if v.IsNil() {
			return starlark.None, nil
		}
		return starlark.MakeBigInt(v.Interface().(*big.Int)), nil
	case timeType:
		return startime.Time(v.Interface().(time.Time)), nil
	case durationType:
		return startime.Duration(v.Int()), nil
	}
	switch v.Kind() {
	case reflect.String:
		return starlark.String(v.String()), nil
	case reflect.Bool:
		return starlark.Bool(v.Bool()), nil
	case reflect.Float32, reflect.Float64:
		return starlark.Float(v.Float()), nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return starlark.MakeInt64(v.Int()), nil
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return starlark.MakeUint64(v.Uint()), nil
	case reflect.Struct:
		return newRecord(v)
	case reflect.Interface, reflect.Pointer:
		return o.behind(v)
	case reflect.Slice:
		return o.list(v)
	case reflect.Map:
		return o.dict(v)
	}
	return nil, convertible(t)
}

// given returns a value of Go that is one of Starlark. The interpreter would call methods of a nil
// pointer.
func given(v reflect.Value) starlark.Value {
	x, ok := v.Interface().(starlark.Value)
	if p := reflect.ValueOf(x); !ok || p.Kind() == reflect.Pointer && p.IsNil() {
		return starlark.None
	}
	return x
}

// behind is the value that a pointer or an interface refers to.
func (o *outward) behind(v reflect.Value) (x starlark.Value, err error) {
	switch {
	case v.IsNil():
		return starlark.None, nil
	case v.Kind() == reflect.Interface:
		return o.value(v.Elem())
	case v.Type().Elem().Kind() == reflect.Struct && v.Type().Elem() != timeType:
		return newRecord(v)
	}
	err = o.within(memory{v.UnsafePointer(), 0}, func() error {
		x, err = o.value(v.Elem())
		return err
	})
	return x, err
}

func (o *outward) list(v reflect.Value) (starlark.Value, error) {
	if v.Type().Elem().Kind() == reflect.Uint8 {
		if err := o.count(v.Len()); err != nil {
			return nil, err
		}
		return starlark.Bytes(v.Bytes()), nil
	}
	var elems []starlark.Value
	err := o.within(memory{v.UnsafePointer(), v.Len()}, func() error {
		for i := range v.Len() {
			x, err := o.value(v.Index(i))
			if err != nil {
				return fmt.Errorf("at index %d: %w", i, err)
			}
			elems = append(elems, x)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return starlark.NewList(elems), nil
}

func (o *outward) dict(v reflect.Value) (starlark.Value, error) {
	if v.Type().Key().Kind() != reflect.String {
		return nil, convertible(v.Type())
	}
	byName := make(map[string]reflect.Value, v.Len())
	for key, x := range v.Seq2() {
		byName[key.String()] = x
	}
	dict := starlark.NewDict(len(byName))
	err := o.within(memory{v.UnsafePointer(), 0}, func() error {
		for _, name := range slices.Sorted(maps.Keys(byName)) {
			x, err := o.value(byName[name])
			if err != nil {
				return fmt.Errorf("for key %q: %w", name, err)
			}
			if err := dict.SetKey(starlark.String(name), x); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return dict, nil
}
