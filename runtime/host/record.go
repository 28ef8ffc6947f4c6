package host

import (
	"fmt"
	"reflect"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// A record is a struct of Go as scripts see it: its fields and methods, by name, which it cannot
// change. Behind a pointer the fields are those of the moment when a script asks.
type record struct {
	Object
	shape *shape
	v     reflect.Value // a struct of its own, or a pointer to one
}

var (
	_ starlark.HasAttrs   = (*record)(nil)
	_ starlark.Comparable = (*record)(nil)
)

// newRecord returns the record of a struct, or of a pointer to one that is not nil.
func newRecord(v reflect.Value) (starlark.Value, error) {
	s := shapeOf(v.Type())
	if s.err != nil {
		return nil, s.err
	}
	if v.Kind() == reflect.Struct {
		own := reflect.New(v.Type()).Elem()
		own.Set(v)
		v = own
	}
	return &record{Object(typeName(v.Type())), s, v}, nil
}

// String is what the Go type writes, if it has such a method.
func (r *record) String() string {
	if s, ok := r.v.Interface().(fmt.Stringer); ok {
		return Cut(s.String())
	}
	return r.Object.String()
}

// Hash is for a pointer, which is the same as long as it lives.
func (r *record) Hash() (uint32, error) {
	if r.v.Kind() != reflect.Pointer {
		return r.Object.Hash()
	}
	p := uint64(r.v.Pointer())
	return uint32(p>>4 ^ p>>32), nil
}

// CompareSameType holds two pointers equal if they are the same, and two structs as Go does.
func (r *record) CompareSameType(
	op syntax.Token, other starlark.Value, _ int,
) (bool, error) {
	if op != syntax.EQL && op != syntax.NEQ {
		return false, fmt.Errorf("%s %s %s not implemented", r.Type(), op, other.Type())
	}
	o := other.(*record)
	same := r.v.Type() == o.v.Type() && r.v.Comparable() && o.v.Comparable() && r.v.Equal(o.v)
	return same == (op == syntax.EQL), nil
}

// AttrNames are the names of the fields and methods that have a counterpart.
func (r *record) AttrNames() []string { return r.shape.names }

// Attr returns a field, which cannot be changed, or a method.
func (r *record) Attr(name string) (starlark.Value, error) {
	a, ok := r.shape.attrs[name]
	if !ok {
		return nil, nil
	}
	if a.err != nil {
		return nil, fmt.Errorf("%s.%s: %w", r.Type(), name, a.err)
	}
	if a.method != nil {
		return starlark.NewBuiltin(name, a.method.call).BindReceiver(r), nil
	}
	field, err := reflect.Indirect(r.v).FieldByIndexErr(a.index)
	if err != nil {
		return starlark.None, nil // of an embedded pointer that is nil
	}
	v, err := fromGo(field)
	if err != nil {
		return nil, fmt.Errorf("%s.%s: %w", r.Type(), name, err)
	}
	switch v.(type) {
	case *starlark.List, *starlark.Dict: // what it would be changed in is a copy
		if !field.Type().Implements(valueType) {
			v.Freeze()
		}
	}
	return v, nil
}

// assign stores what r is of in dst, and reports whether that has such a type. What is behind a
// pointer is copied for a struct, and a struct for a pointer.
func (r *record) assign(dst reflect.Value) bool {
	t, have := dst.Type(), r.v.Type()
	switch {
	case t.Kind() == reflect.Interface:
		return false // it may have to be the value itself
	case have.AssignableTo(t):
		dst.Set(r.v)
	case have.Kind() == reflect.Pointer && have.Elem() == t:
		dst.Set(r.v.Elem())
	case t.Kind() == reflect.Pointer && t.Elem() == have:
		p := reflect.New(have)
		p.Elem().Set(r.v)
		dst.Set(p)
	default:
		return false
	}
	return true
}
