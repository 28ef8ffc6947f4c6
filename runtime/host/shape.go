package host

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"unicode"

	"github.com/larkspur-web/larkspur/runtime/spell"
)

// A shape is the names that scripts have for the fields and methods of a struct, or of a pointer to
// one. It is immutable.
type shape struct {
	typ   reflect.Type
	attrs map[string]attr
	names []string // of those without an error, in order
	err   error    // two have the same name
}

// An attr is a field or a method.
type attr struct {
	goName string
	index  []int    // of a field
	method *adapter // nil for a field
	err    error    // why a script cannot have it
}

// shapes remembers the shape of each type that was asked for.
var shapes sync.Map

// shapeOf returns the shape of a struct, or of a pointer to one.
func shapeOf(t reflect.Type) *shape {
	if s, ok := shapes.Load(t); ok {
		return s.(*shape)
	}
	s, _ := shapes.LoadOrStore(t, newShape(t))
	return s.(*shape)
}

func newShape(t reflect.Type) *shape {
	s := &shape{typ: t, attrs: make(map[string]attr)}
	of := t
	if t.Kind() == reflect.Pointer {
		of = t.Elem()
	}
	var hidden []reflect.Type // embedded, with all their methods
	for _, f := range reflect.VisibleFields(of) {
		switch name, shown := fieldName(of, f); {
		case !shown && f.Anonymous:
			hidden = append(hidden, f.Type, reflect.PointerTo(f.Type))
		case shown && f.IsExported():
			s.add(name, attr{goName: f.Name, index: f.Index, err: convertible(f.Type)})
		}
	}
	for m := range t.Methods() {
		promoted := func(t reflect.Type) bool { _, ok := t.MethodByName(m.Name); return ok }
		if slices.ContainsFunc(hidden, promoted) {
			continue
		}
		a := &adapter{fn: m.Func, signature: new(signature)}
		s.add(snake(m.Name), attr{goName: m.Name, method: a, err: a.inspect(t)})
	}
	slices.Sort(s.names)
	return s
}

// fieldName returns what a script calls the field f of t, and whether it sees it: neither it nor
// what it is embedded in may be hidden.
func fieldName(t reflect.Type, f reflect.StructField) (name string, shown bool) {
	for i := 1; i < len(f.Index); i++ {
		if t.FieldByIndex(f.Index[:i]).Tag.Get(tag) == "-" {
			return "", false
		}
	}
	switch name = f.Tag.Get(tag); name {
	case "-":
		return "", false
	case "":
		return snake(f.Name), true
	}
	return name, true
}

// tag is the key of the names in struct tags.
const tag = "starlark"

func (s *shape) add(name string, a attr) {
	if other, ok := s.attrs[name]; ok && s.err == nil {
		s.err = fmt.Errorf("%v: %s and %s are both %s for a script: tag a field `%s:\"name\"`",
			s.typ, other.goName, a.goName, name, tag)
	}
	s.attrs[name] = a
	if a.err == nil {
		s.names = append(s.names, name)
	}
}

// field returns the field of v that a script calls name, to be set.
func (s *shape) field(v reflect.Value, name string) (reflect.Value, error) {
	a, ok := s.attrs[name]
	if !ok || a.method != nil {
		var fields []string
		for _, name := range s.names {
			if s.attrs[name].method == nil {
				fields = append(fields, name)
			}
		}
		meant := ""
		if near := spell.Nearest(name, fields, 2); near != "" {
			meant = fmt.Sprintf(" (did you mean %s?)", near)
		}
		return reflect.Value{}, fmt.Errorf("%s has no such field%s", typeName(s.typ), meant)
	}
	if a.err != nil {
		return reflect.Value{}, a.err
	}
	for i := 1; i < len(a.index); i++ { // an embedded pointer
		if p := v.FieldByIndex(a.index[:i]); p.Kind() == reflect.Pointer && p.IsNil() {
			if !p.CanSet() {
				return reflect.Value{}, fmt.Errorf("it is in a %v that is nil", p.Type())
			}
			p.Set(reflect.New(p.Type().Elem()))
		}
	}
	return v.FieldByIndex(a.index), nil
}

// reserved are the words of the language that a Go name can become.
var reserved = strings.Fields("and as assert async await break class continue def del elif else " +
	"except finally for from global if import in is lambda load nonlocal not or pass raise return " +
	"try while with yield")

// snake is the name of a script for an exported name of Go: user_id for UserID. A reserved word gets
// a _ after it, as in Python.
func snake(name string) string {
	var b strings.Builder
	runes := []rune(name)
	for i, r := range runes {
		if unicode.IsUpper(r) && i > 0 && begins(runes, i) {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	if slices.Contains(reserved, b.String()) {
		b.WriteByte('_')
	}
	return b.String()
}

// begins reports whether a word begins at an upper-case letter: after another letter or digit, or
// where a word follows an abbreviation (HTTPServer), whose plural is none (UserIDs).
func begins(runes []rune, i int) bool {
	if before := runes[i-1]; !unicode.IsUpper(before) {
		return before != '_'
	}
	if i+1 == len(runes) || !unicode.IsLower(runes[i+1]) {
		return false
	}
	plural := runes[i+1] == 's' && (i+2 == len(runes) || unicode.IsUpper(runes[i+2]))
	return !plural
}
