package format

import (
	"fmt"
	"reflect"
	"strings"

	"go.starlark.net/syntax"
)

// A tree is a syntax tree as text, for comparison.
type tree struct{ strings.Builder }

// write writes a statement, an expression or a file.
func (t *tree) write(n syntax.Node) { t.fields(reflect.ValueOf(n).Elem()) }

var position = reflect.TypeFor[syntax.Position]()

func (t *tree) fields(v reflect.Value) {
	fmt.Fprintf(t, "(%s", v.Type().Name())
	for i := range v.NumField() {
		switch f := v.Type().Field(i); {
		case !f.IsExported() || f.Type == position:
		case f.Name == "Raw" || f.Name == "Path" || f.Name == "Options" || f.Name == "Binding" || f.Name == "Module" || f.Name == "Function":
		default:
			t.value(v.Field(i))
		}
	}
	t.WriteByte(')')
}

func (t *tree) value(v reflect.Value) {
	switch v.Kind() {
	case reflect.Slice:
		t.WriteByte('[')
		for i := range v.Len() {
			t.value(v.Index(i))
		}
		t.WriteByte(']')
	case reflect.Interface, reflect.Pointer:
		if n, ok := v.Interface().(syntax.Node); ok && !v.IsNil() {
			t.write(n)
			return
		}
		fmt.Fprintf(t, " %v", v.Interface())
	default:
		fmt.Fprintf(t, " %#v", v.Interface())
	}
}
