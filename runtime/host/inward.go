package host

import (
	"fmt"
	"reflect"
	"time"

	startime "go.starlark.net/lib/time"
	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"
)

// An inward conversion stores Starlark values in Go variables.
type inward struct{ conversion[starlark.Value] }

func newInward() *inward { return &inward{conversion[starlark.Value]{left: MaxSize}} }

// toGo stores v in dst, of a convertible type.
func toGo(v starlark.Value, dst reflect.Value) error { return newInward().store(v, dst) }

func (c *inward) store(v starlark.Value, dst reflect.Value) error {
	t := dst.Type()
	if t.Implements(valueType) {
		if x := reflect.ValueOf(v); x.Type().AssignableTo(t) {
			dst.Set(x)
			return nil
		}
		return mismatch(v, t)
	}
	if err := c.count(0); err != nil {
		return err
	}
	if r, ok := v.(*record); ok && r.assign(dst) {
		return nil
	}
	ok := true
	switch t {
	case bigType:
		return storeBig(v, dst)
	case timeType:
		var x startime.Time
		if x, ok = v.(startime.Time); ok {
			dst.Set(reflect.ValueOf(time.Time(x)))
		}
		return matched(ok, v, t)
	case durationType:
		d, ok := v.(startime.Duration)
		dst.SetInt(int64(d))
		return matched(ok, v, t)
	}
	switch t.Kind() {
	case reflect.String:
		var s starlark.String
		s, ok = v.(starlark.String)
		dst.SetString(string(s))
	case reflect.Bool:
		var b starlark.Bool
		b, ok = v.(starlark.Bool)
		dst.SetBool(bool(b))
	case reflect.Float32, reflect.Float64:
		var f float64
		f, ok = starlark.AsFloat(v)
		dst.SetFloat(f)
	case reflect.Slice:
		return c.slice(v, dst)
	case reflect.Map:
		return c.mapping(v, dst)
	case reflect.Struct:
		return c.fields(v, dst)
	case reflect.Interface:
		return c.dynamic(v, dst)
	case reflect.Pointer:
		dst.SetZero()
		if v == starlark.None {
			return nil
		}
		to := reflect.New(t.Elem())
		if err := c.store(v, to.Elem()); err != nil {
			return err
		}
		dst.Set(to)
	default:
		return storeInt(v, dst)
	}
	return matched(ok, v, t)
}

func matched(ok bool, v starlark.Value, t reflect.Type) error {
	if ok {
		return nil
	}
	return mismatch(v, t)
}

// mismatch is the error of a value that is no t.
func mismatch(v starlark.Value, t reflect.Type) error {
	return fmt.Errorf("got %s, want %s", v.Type(), typeName(t))
}

func storeBig(v starlark.Value, dst reflect.Value) error {
	i, ok := v.(starlark.Int)
	if ok {
		dst.Set(reflect.ValueOf(i.BigInt()))
	}
	return matched(ok, v, dst.Type())
}

func storeInt(v starlark.Value, dst reflect.Value) error {
	i, ok := v.(starlark.Int)
	if !ok {
		return mismatch(v, dst.Type())
	}
	if dst.CanInt() {
		if n, ok := i.Int64(); ok && !dst.OverflowInt(n) {
			dst.SetInt(n)
			return nil
		}
	} else if n, ok := i.Uint64(); ok && !dst.OverflowUint(n) {
		dst.SetUint(n)
		return nil
	}
	sign := "signed"
	if !dst.CanInt() {
		sign = "unsigned"
	}
	return fmt.Errorf("%s out of range (want value in %s %d-bit range)", i, sign, dst.Type().Bits())
}

func (c *inward) slice(v starlark.Value, dst reflect.Value) error {
	t := dst.Type()
	if t.Elem().Kind() == reflect.Uint8 {
		return c.bytes(v, dst)
	}
	iterable, ok := v.(starlark.Iterable)
	if !ok {
		return fmt.Errorf("got %s, want a list", v.Type())
	}
	dst.Set(reflect.MakeSlice(t, 0, 0))
	return c.elements(iterable, func(x starlark.Value) error {
		elem := reflect.New(t.Elem()).Elem()
		if err := c.store(x, elem); err != nil {
			return fmt.Errorf("at index %d: %w", dst.Len(), err)
		}
		dst.Set(reflect.Append(dst, elem))
		return nil
	})
}

func (c *inward) bytes(v starlark.Value, dst reflect.Value) error {
	var text string
	switch v := v.(type) {
	case starlark.Bytes:
		text = string(v)
	case starlark.String:
		text = string(v)
	default:
		return fmt.Errorf("got %s, want bytes or string", v.Type())
	}
	if err := c.count(len(text)); err != nil {
		return err
	}
	dst.SetBytes([]byte(text))
	return nil
}

// elements calls f with each element of v.
func (c *inward) elements(v starlark.Iterable, f func(starlark.Value) error) error {
	if err := CheckElements(v); err != nil {
		return err
	}
	return c.inside(v, func() error {
		iter := v.Iterate()
		defer iter.Done()
		var x starlark.Value
		for iter.Next(&x) {
			if err := f(x); err != nil {
				return err
			}
		}
		return IterError(iter)
	})
}

// inside is within, for a container of the language. A tuple cannot be compared in Go, and holds
// itself only in another that can.
func (c *inward) inside(v starlark.Value, f func() error) error {
	if _, ok := v.(starlark.Tuple); ok || !reflect.ValueOf(v).Comparable() {
		v = starlark.MakeInt(len(c.path)) // none of those before
	}
	return c.within(v, f)
}

func (c *inward) mapping(v starlark.Value, dst reflect.Value) error {
	items, ok := itemsOf(v)
	if !ok {
		return fmt.Errorf("got %s, want a dict", v.Type())
	}
	t := dst.Type()
	dst.Set(reflect.MakeMap(t))
	return c.items(v, items, func(name string, x starlark.Value) error {
		elem := reflect.New(t.Elem()).Elem()
		if err := c.store(x, elem); err != nil {
			return err
		}
		dst.SetMapIndex(reflect.ValueOf(name).Convert(t.Key()), elem)
		return nil
	})
}

// itemsOf returns the items of a dict, or the fields of a struct.
func itemsOf(v starlark.Value) ([]starlark.Tuple, bool) {
	switch v := v.(type) {
	case starlark.IterableMapping:
		return v.Items(), true
	case *starlarkstruct.Struct:
		var items []starlark.Tuple
		for _, name := range v.AttrNames() {
			x, _ := v.Attr(name) // there is one
			items = append(items, starlark.Tuple{starlark.String(name), x})
		}
		return items, true
	}
	return nil, false
}

// items calls f with each item of v, whose keys have to be strings.
func (c *inward) items(
	v starlark.Value, items []starlark.Tuple, f func(string, starlark.Value) error,
) error {
	return c.inside(v, func() error {
		for _, item := range items {
			name, ok := item[0].(starlark.String)
			if !ok {
				return fmt.Errorf("for a key: %w", mismatch(item[0], reflect.TypeFor[string]()))
			}
			if err := f(string(name), item[1]); err != nil {
				return fmt.Errorf("for key %s: %w", name, err)
			}
		}
		return nil
	})
}

// fields stores a dict or a struct of the language in a struct of Go.
func (c *inward) fields(v starlark.Value, dst reflect.Value) error {
	items, ok := itemsOf(v)
	if !ok {
		return mismatch(v, dst.Type())
	}
	s := shapeOf(dst.Type())
	if s.err != nil {
		return s.err
	}
	dst.SetZero()
	return c.items(v, items, func(name string, x starlark.Value) error {
		field, err := s.field(dst, name)
		if err != nil {
			return err
		}
		return c.store(x, field)
	})
}
