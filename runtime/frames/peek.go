package frames

import (
	"reflect"
	"sync"
	"time"
	"unsafe"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// Peek returns the line of script that t runs, for another goroutine than the one that it runs on: of
// a thread that is in one step for long, which cannot be asked. It is the zero Position if t goes on
// meanwhile, or runs no script.
//
// Nothing says when the other goroutine writes what is read here. So where the stack is is read twice, a
// moment apart, and followed only if nothing has changed; and what is found there counts only if
// nothing has changed then either.
func Peek(t *starlark.Thread) (at syntax.Position) {
	m := layout()
	if m == nil {
		return at
	}
	before := m.stackOf(t)
	time.Sleep(time.Millisecond)
	if m.stackOf(t) != before {
		return at
	}
	fn, pc := m.innermost(before)
	if fn == nil || m.stackOf(t) != before {
		return at
	}
	f := reflect.New(m.frame)
	*(*starlark.Callable)(unsafe.Add(f.UnsafePointer(), m.callable)) = (*starlark.Function)(fn)
	*(*uint32)(unsafe.Add(f.UnsafePointer(), m.pc)) = pc
	return f.Interface().(starlark.DebugFrame).Position()
}

// A frameLayout says where things are in a thread and in a frame.
type frameLayout struct {
	frame                      reflect.Type
	steps, stack, callable, pc uintptr
	function                   uintptr // the first word of a callable that is a function of a script
}

// A stack is that of a thread, as it was in a step.
type stack struct {
	frames unsafe.Pointer // to the first of its frames, which are pointers
	depth  int
	steps  uint64
}

// stackOf reads that of t.
//
//go:norace
func (m *frameLayout) stackOf(t *starlark.Thread) stack {
	thread := unsafe.Pointer(t)
	frames := *(*[]unsafe.Pointer)(unsafe.Add(thread, m.stack))
	return stack{unsafe.Pointer(unsafe.SliceData(frames)), len(frames), *(*uint64)(unsafe.Add(thread, m.steps))}
}

// maxBuiltins is how many builtins may have called one another above the innermost function.
const maxBuiltins = 8

// innermost reads the innermost function of a script, and where it is; nil if there is none.
//
//go:norace
func (m *frameLayout) innermost(s stack) (fn unsafe.Pointer, pc uint32) {
	frames := unsafe.Slice((*unsafe.Pointer)(s.frames), s.depth)
	for i := s.depth - 1; i >= 0 && i >= s.depth-maxBuiltins; i-- {
		frame := frames[i]
		if frame == nil {
			return nil, 0
		}
		// A frame is cleared before it is used again, so that these belong together.
		if words := *(*[2]unsafe.Pointer)(unsafe.Add(frame, m.callable)); uintptr(words[0]) == m.function {
			return words[1], *(*uint32)(unsafe.Add(frame, m.pc))
		}
	}
	return nil, 0
}

// layout returns how threads and frames are made, nil if not as expected.
var layout = sync.OnceValue(func() *frameLayout {
	thread := reflect.TypeFor[starlark.Thread]()
	steps, ok1 := thread.FieldByName("Steps")
	stack, ok2 := thread.FieldByName("stack")
	if !ok1 || !ok2 || steps.Type.Kind() != reflect.Uint64 || stack.Type.Kind() != reflect.Slice ||
		stack.Type.Elem().Kind() != reflect.Pointer || stack.Type.Elem().Elem().Kind() != reflect.Struct {
		return nil
	}
	m := &frameLayout{frame: stack.Type.Elem().Elem(), steps: steps.Offset, stack: stack.Offset}
	callable, ok1 := m.frame.FieldByName("callable")
	pc, ok2 := m.frame.FieldByName("pc")
	_, ok3 := reflect.New(m.frame).Interface().(starlark.DebugFrame)
	if !ok1 || !ok2 || !ok3 || callable.Type != reflect.TypeFor[starlark.Callable]() ||
		pc.Type.Kind() != reflect.Uint32 {
		return nil
	}
	m.callable, m.pc = callable.Offset, pc.Offset
	var function starlark.Callable = new(starlark.Function)
	m.function = (*[2]uintptr)(unsafe.Pointer(&function))[0]
	return m
})
