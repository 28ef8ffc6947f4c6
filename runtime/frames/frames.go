// Package frames reads the variables of functions that are running. The interpreter's debugger
// interface ([starlark.DebugFrame]) gives them one by one, by index; this package gives the slice
// itself, so that who looks between any two steps pays nothing for what it does not need, and who
// has taken the slice still has it when the interpreter has let go of it, as it does when an
// operator fails.
//
// It depends on how the interpreter is made, by the names of fields, and finds out once whether it
// is made so. Where it is not there are no variables and no names, and the tests fail.
package frames

import (
	"reflect"
	"sync"
	"unsafe"

	"go.starlark.net/starlark"
)

// Locals returns the variables of the function that runs in f, parameters first: the
// interpreter's own slice, which is not to be changed, and in which those are nil that have not
// been assigned. One that an inner function uses is in a cell: see [Held]. It is nil for a builtin.
func Locals(f starlark.DebugFrame) []starlark.Value {
	offset := offset()
	if offset < 0 {
		return nil
	}
	frame := reflect.ValueOf(f).UnsafePointer()
	return *(*[]starlark.Value)(unsafe.Add(frame, offset))
}

// offset returns where in a frame its variables are, or -1 if a frame is not made as expected.
var offset = sync.OnceValue(func() int {
	found := -1
	look := func(t *starlark.Thread, _ *starlark.Builtin, _ starlark.Tuple,
		_ []starlark.Tuple) (starlark.Value, error) {
		found = offsetIn(reflect.TypeOf(t.DebugFrame(0)))
		return starlark.None, nil
	}
	// The call cannot fail.
	_, _ = starlark.Call(new(starlark.Thread), starlark.NewBuiltin("look", look), nil, nil)
	return found
})

func offsetIn(frame reflect.Type) int {
	if frame.Kind() != reflect.Pointer || frame.Elem().Kind() != reflect.Struct {
		return -1
	}
	f, ok := frame.Elem().FieldByName("locals")
	if !ok || f.Type != reflect.TypeFor[[]starlark.Value]() {
		return -1
	}
	return int(f.Offset)
}

// Held returns what a variable holds: of one that an inner function uses, which is in a cell that both
// have, what is in that; nil if it has not been assigned.
func Held(v starlark.Value) starlark.Value {
	cell := reflect.ValueOf(v)
	if t := reflect.TypeOf(v); t == nil || t.Kind() != reflect.Pointer || t.Elem().Name() != "cell" ||
		t.Elem().PkgPath() != reflect.TypeFor[starlark.Thread]().PkgPath() {
		return v
	}
	held := cell.Elem().FieldByName("v")
	if !held.IsValid() || held.Type() != reflect.TypeFor[starlark.Value]() {
		return nil
	}
	return *(*starlark.Value)(held.Addr().UnsafePointer())
}

// Name returns the name of a function's variable by its index among [Locals]; "" if it has none.
func Name(fn *starlark.Function, i int) string {
	code := reflect.ValueOf(fn).Elem().FieldByName("funcode")
	if code.Kind() != reflect.Pointer {
		return ""
	}
	locals := code.Elem().FieldByName("Locals")
	if locals.Kind() != reflect.Slice || i >= locals.Len() {
		return ""
	}
	name := locals.Index(i).FieldByName("Name")
	if name.Kind() != reflect.String {
		return ""
	}
	return name.String()
}
