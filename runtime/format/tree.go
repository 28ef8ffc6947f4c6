package format

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"go.starlark.net/syntax"
)

// A tree is a syntax tree as text, for comparison.
type tree struct{ strings.Builder }

// write writes a statement, an expression or a file.
func (t *tree) write(n syntax.Node) { t.fields(reflect.ValueOf(n).Elem()) }

var position = reflect.TypeFor[syntax.Position]()

// beside are the fields that say nothing of what the source means.
var beside = []string{"Raw", "Path", "Options", "Binding", "Module", "Function"}

func (t *tree) fields(v reflect.Value) {
	fmt.Fprintf(t, "(%s", v.Type().Name())
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if f.IsExported() && f.Type != position && !slices.Contains(beside, f.Name) {
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
