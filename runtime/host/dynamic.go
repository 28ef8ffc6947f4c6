package host

import (
	"fmt"
	"reflect"
	"time"

	startime "go.starlark.net/lib/time"
	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"
)

// dynamic stores v in an interface.
func (c *inward) dynamic(v starlark.Value, dst reflect.Value) error {
	x, err := c.natural(v)
	if err != nil {
		return err
	}
	if x == nil {
		dst.SetZero()
		return nil
	}
	for _, x := range []any{x, v} {
		if x := reflect.ValueOf(x); x.Type().AssignableTo(dst.Type()) {
			dst.Set(x)
			return nil
		}
	}
	return mismatch(v, dst.Type())
}

// natural returns the Go value that says the same as v; v itself if there is none.
func (c *inward) natural(v starlark.Value) (any, error) {
	switch v := v.(type) {
	case starlark.NoneType:
		return nil, nil
	case starlark.Bool:
		return bool(v), nil
	case starlark.Int:
		if n, ok := v.Int64(); ok {
			return n, nil
		}
		return v.BigInt(), nil
	case starlark.Float:
		return float64(v), nil
	case starlark.String:
		return string(v), nil
	case starlark.Bytes:
		return []byte(v), c.count(len(v))
	case startime.Time:
		return time.Time(v), nil
	case startime.Duration:
		return time.Duration(v), nil
	case *record:
		return v.v.Interface(), nil
	case starlark.IterableMapping, *starlarkstruct.Struct:
		return c.object(v)
	case *starlark.List, starlark.Tuple, *starlark.Set:
		return c.sequence(v.(starlark.Iterable))
	}
	if _, ok := v.(starlark.Indexable); ok {
		if v, ok := v.(starlark.Sequence); ok { // a range
			return c.sequence(v)
		}
	}
	return v, nil
}

// sequence returns a []any, without reflection: there may be millions of elements in one step of a
// script.
func (c *inward) sequence(v starlark.Iterable) (any, error) {
	all := []any{}
	err := c.elements(v, func(v starlark.Value) error {
		x, err := c.element(v)
		if err != nil {
			return fmt.Errorf("at index %d: %w", len(all), err)
		}
		all = append(all, x)
		return nil
	})
	return all, err
}

// object returns a map[string]any, as sequence does a []any.
func (c *inward) object(v starlark.Value) (any, error) {
	items, ok := itemsOf(v)
	if !ok {
		return v, nil
	}
	all := make(map[string]any, len(items))
	err := c.items(v, items, func(name string, v starlark.Value) error {
		x, err := c.element(v)
		all[name] = x
		return err
	})
	return all, err
}

// element is natural for what is in another value.
func (c *inward) element(v starlark.Value) (any, error) {
	if err := c.count(0); err != nil {
		return nil, err
	}
	return c.natural(v)
}
