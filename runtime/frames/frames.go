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
	"strings"
	"sync"
	"unsafe"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
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

// Values returns all that the function which runs in f refers to: its variables, and behind them
// its operands, some of which it needs no more. It is the interpreter's own slice, which is not to be
// changed and is good until the function goes on; what is nil in it has not been used. It is nil for
// a builtin, and only [Locals] where the operands are not behind them.
func Values(f starlark.DebugFrame) []starlark.Value {
	locals := Locals(f)
	fn, ok := f.Callable().(*starlark.Function)
	if locals == nil || !ok || !contiguous() {
		return locals
	}
	return unsafe.Slice(unsafe.SliceData(locals), len(locals)+operands(fn))
}

// operands returns how many operands a function has at once, at most.
func operands(fn *starlark.Function) int {
	code := reflect.ValueOf(fn).Elem().FieldByName("funcode")
	if code.Kind() != reflect.Pointer {
		return 0
	}
	if n := code.Elem().FieldByName("MaxStack"); n.Kind() == reflect.Int {
		return int(n.Int())
	}
	return 0
}

// contiguous reports whether the operands of a function are where they are expected: those of a call
// are looked for, in a function that has variables and in one that has none.
var contiguous = sync.OnceValue(func() bool {
	found := 0
	mark := starlark.String("operand")
	look := func(t *starlark.Thread, _ *starlark.Builtin, _ starlark.Tuple,
		_ []starlark.Tuple) (starlark.Value, error) {
		f := t.DebugFrame(1)
		locals, fn := Locals(f), f.Callable().(*starlark.Function)
		// Only where the mark has to be is looked, which is inside if anything is.
		if n := operands(fn); locals != nil && cap(locals) == len(locals) && n >= 2 {
			if all := unsafe.Slice(unsafe.SliceData(locals), len(locals)+n); all[len(locals)] == mark {
				found++
			}
		}
		return starlark.None, nil
	}
	const script = "f = lambda: (mark, look())\ng = lambda a: (mark, look())\nf()\ng(1)\n"
	env := starlark.StringDict{"look": starlark.NewBuiltin("look", look), "mark": mark}
	_, err := starlark.ExecFileOptions(new(syntax.FileOptions), new(starlark.Thread), "operands", script, env)
	return err == nil && found == 2
})

// Cell returns the value of a variable that an inner function uses, and whether v is one.
func Cell(v starlark.Value) (starlark.Value, bool) {
	p := reflect.ValueOf(v)
	if p.Kind() != reflect.Pointer || p.Type().Elem().Kind() != reflect.Struct || v.Type() != "cell" {
		return nil, false
	}
	if t := p.Type().Elem(); t.NumField() != 1 || t.Field(0).Type != reflect.TypeFor[starlark.Value]() {
		return nil, false
	}
	return *(*starlark.Value)(p.UnsafePointer()), true
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
	if held, ok := Cell(v); ok {
		return held
	}
	return v
}

// Name returns the name of a function's variable by its index among [Locals]; "" if it has none
// that a script can write.
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
	if name.Kind() != reflect.String || strings.HasPrefix(name.String(), "(") {
		return ""
	}
	return name.String()
}
