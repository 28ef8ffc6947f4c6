package host

import (
	"fmt"
	"maps"
	"reflect"
	"slices"

	"go.starlark.net/starlark"
)

var valueType = reflect.TypeFor[starlark.Value]()

// convertible reports whether toGo and fromGo know the type t. It looks depth levels into it,
// because a type may hold itself (type t []t).
func convertible(t reflect.Type, depth int) bool {
	if t.Implements(valueType) {
		return true
	}
	switch t.Kind() {
	case reflect.String, reflect.Bool, reflect.Float32, reflect.Float64,
		reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return true
	case reflect.Slice:
		return depth > 0 && convertible(t.Elem(), depth-1)
	case reflect.Map:
		return t.Key().Kind() == reflect.String && depth > 0 && convertible(t.Elem(), depth-1)
	}
	return false
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

// typeNames are what a script calls the Go types whose name does not say.
var typeNames = map[reflect.Type]string{
	valueType:                                   "any",
	reflect.TypeFor[[]byte]():                   "bytes",
	reflect.TypeFor[starlark.Callable]():        "callable",
	reflect.TypeFor[starlark.Iterable]():        "iterable",
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
	switch kind := t.Kind(); {
	case t.Implements(valueType):
		return zeroType(t)
	case kind == reflect.Slice:
		return "list"
	case kind == reflect.Map:
		return "dict"
	case kind == reflect.Float32 || kind == reflect.Float64:
		return "float"
	case kind == reflect.String || kind == reflect.Bool:
		return kind.String()
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

// toGo sets dst, of a convertible type, to v. It recurs on the type, not on the value, so a value
// that holds itself does no harm.
func toGo(v starlark.Value, dst reflect.Value) error {
	t := dst.Type()
	if t.Implements(valueType) {
		if x := reflect.ValueOf(v); x.Type().AssignableTo(t) {
			dst.Set(x)
			return nil
		}
		return fmt.Errorf("got %s, want %s", v.Type(), typeName(t))
	}
	switch t.Kind() {
	case reflect.String:
		s, ok := v.(starlark.String)
		if !ok {
			return fmt.Errorf("got %s, want string", v.Type())
		}
		dst.SetString(string(s))
	case reflect.Bool:
		b, ok := v.(starlark.Bool)
		if !ok {
			return fmt.Errorf("got %s, want bool", v.Type())
		}
		dst.SetBool(bool(b))
	case reflect.Float32, reflect.Float64:
		f, ok := starlark.AsFloat(v)
		if !ok {
			return fmt.Errorf("got %s, want float", v.Type())
		}
		dst.SetFloat(f)
	case reflect.Slice:
		return toSlice(v, dst)
	case reflect.Map:
		return toMap(v, dst)
	default:
		return toInt(v, dst)
	}
	return nil
}

func toInt(v starlark.Value, dst reflect.Value) error {
	i, ok := v.(starlark.Int)
	if !ok {
		return fmt.Errorf("got %s, want int", v.Type())
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

func toSlice(v starlark.Value, dst reflect.Value) error {
	if dst.Type().Elem().Kind() == reflect.Uint8 {
		switch v := v.(type) {
		case starlark.Bytes:
			dst.SetBytes([]byte(v))
			return nil
		case starlark.String:
			dst.SetBytes([]byte(v))
			return nil
		}
		return fmt.Errorf("got %s, want bytes or string", v.Type())
	}
	iterable, ok := v.(starlark.Iterable)
	if !ok {
		return fmt.Errorf("got %s, want a list", v.Type())
	}
	if err := CheckElements(v); err != nil {
		return err
	}
	dst.SetZero()
	for x := range starlark.Elements(iterable) {
		elem := reflect.New(dst.Type().Elem()).Elem()
		if err := toGo(x, elem); err != nil {
			return fmt.Errorf("at index %d: %w", dst.Len(), err)
		}
		dst.Set(reflect.Append(dst, elem))
	}
	return nil
}

func toMap(v starlark.Value, dst reflect.Value) error {
	mapping, ok := v.(starlark.IterableMapping)
	if !ok {
		return fmt.Errorf("got %s, want a dict", v.Type())
	}
	dst.Set(reflect.MakeMap(dst.Type()))
	for _, item := range mapping.Items() {
		key, elem := reflect.New(dst.Type().Key()).Elem(), reflect.New(dst.Type().Elem()).Elem()
		if err := toGo(item[0], key); err != nil {
			return fmt.Errorf("for a key: %w", err)
		}
		if err := toGo(item[1], elem); err != nil {
			return fmt.Errorf("for key %s: %w", item[0], err)
		}
		dst.SetMapIndex(key, elem)
	}
	return nil
}

// fromGo returns v, of a convertible type, as a Starlark value.
func fromGo(v reflect.Value) starlark.Value {
	if v.Type().Implements(valueType) {
		if x, ok := v.Interface().(starlark.Value); ok {
			return x
		}
		return starlark.None
	}
	switch v.Kind() {
	case reflect.String:
		return starlark.String(v.String())
	case reflect.Bool:
		return starlark.Bool(v.Bool())
	case reflect.Float32, reflect.Float64:
		return starlark.Float(v.Float())
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return starlark.Bytes(v.Bytes())
		}
		elems := make([]starlark.Value, v.Len())
		for i := range elems {
			elems[i] = fromGo(v.Index(i))
		}
		return starlark.NewList(elems)
	case reflect.Map:
		return fromMap(v)
	}
	if v.CanInt() {
		return starlark.MakeInt64(v.Int())
	}
	return starlark.MakeUint64(v.Uint())
}

func fromMap(v reflect.Value) *starlark.Dict {
	byName := make(map[string]reflect.Value, v.Len())
	for key, x := range v.Seq2() {
		byName[key.String()] = x
	}
	dict := starlark.NewDict(len(byName))
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		dict.SetKey(starlark.String(name), fromGo(byName[name]))
	}
	return dict
}
