package trace

import (
	"reflect"
	"sync"
	"unsafe"

	"go.starlark.net/starlark"
)

// A lookout holds on to the variables of the function that runs.
//
// The interpreter lets go of them when an operator fails, before anybody is told. They are a slice in its frame, to which
// its debugger's interface gives no access as such, and to copy every value at every step would cost
// several times what the step does. So the slice itself is taken, by the name of its field: see [fieldOf].
type lookout struct {
	thread *starlark.Thread
	fn     starlark.Callable
	depth  int
	step   uint64
	locals []starlark.Value
	names  []string // of locals, once they are asked for
}

const (
	closely = 1000 // steps that are looked at one by one
	seldom  = 8    // steps between two looks after that
)

// look is called between two steps, and returns how many may pass until the next time.
func (l *lookout) look() uint64 {
	t := l.thread
	frame := t.DebugFrame(0)
	l.fn, l.depth, l.step = frame.Callable(), t.CallStackDepth(), t.Steps
	if offset := fieldOf(); offset >= 0 {
		l.locals = localsOf(frame, offset)
	}
	if t.Steps > closely {
		return seldom
	}
	return 1
}

// seen returns the variables of fn, the innermost function, if they were seen just now: those of an earlier call of it
// would be wrong.
func (l *lookout) seen(fn starlark.Callable) []starlark.Value {
	if l.thread == nil || l.fn != fn || l.depth != l.thread.CallStackDepth() || l.thread.Steps-l.step >= seldom {
		return nil
	}
	f, ok := fn.(*starlark.Function)
	if !ok {
		return nil
	}
	l.names = l.names[:0]
	for i := range min(len(l.locals), maxLocals) {
		l.names = append(l.names, nameOf(f, i))
	}
	return l.locals[:len(l.names)]
}

// fieldOf returns where in a frame of the interpreter its variables are, or -1 if it is made otherwise than the one that
// this was written for. Then only what the debugger's interface shows is shown; TestFrames fails.
var fieldOf = sync.OnceValue(func() int {
	var thread starlark.Thread
	offset := -1
	_, _ = starlark.Call(&thread, starlark.NewBuiltin("", func(t *starlark.Thread, _ *starlark.Builtin, _ starlark.Tuple, _ []starlark.Tuple) (starlark.Value, error) {
		frame := reflect.TypeOf(t.DebugFrame(0))
		if frame.Kind() != reflect.Pointer || frame.Elem().Kind() != reflect.Struct {
			return starlark.None, nil
		}
		if f, ok := frame.Elem().FieldByName("locals"); ok && f.Type == reflect.TypeFor[[]starlark.Value]() {
			offset = int(f.Offset)
		}
		return starlark.None, nil
	}), nil, nil) // which cannot fail
	return offset
})

func localsOf(frame starlark.DebugFrame, offset int) []starlark.Value {
	return *(*[]starlark.Value)(unsafe.Add(reflect.ValueOf(frame).UnsafePointer(), offset))
}

// nameOf returns the name of a function's variable, "" if the function is made otherwise than expected.
func nameOf(fn *starlark.Function, i int) string {
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
