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
// a thread that has been in one step for long, which cannot be asked. It is the zero Position if t has
// gone on meanwhile, or runs no script.
//
// Nothing says when the other goroutine writes what is read here. It is read twice, a moment apart,
// and followed only if nothing has changed: whoever calls it has made sure before that t takes no
// further step, by [starlark.Thread.Cancel] and some time.
func Peek(t *starlark.Thread) (at syntax.Position) {
	m := layout()
	if m == nil {
		return at
	}
	first, ok := m.sight(t)
	if !ok {
		return at
	}
	time.Sleep(time.Millisecond)
	if again, ok := m.sight(t); !ok || again != first {
		return at
	}
	f := reflect.New(m.frame)
	*(*starlark.Callable)(unsafe.Add(f.UnsafePointer(), m.callable)) = (*starlark.Function)(first.fn)
	*(*uint32)(unsafe.Add(f.UnsafePointer(), m.pc)) = first.pc
	return f.Interface().(starlark.DebugFrame).Position()
}

// A frameLayout says where things are in a thread and in a frame.
type frameLayout struct {
	frame                      reflect.Type
	steps, stack, callable, pc uintptr
	function                   uintptr // the first word of a callable that is a function of a script
}

// A sight is where a thread was seen to be.
type sight struct {
	steps uint64
	depth int
	fn    unsafe.Pointer
	pc    uint32
}

// maxBuiltins is how many builtins may have called one another above the innermost function.
const maxBuiltins = 8

// sight reads where t is. It must not be told from a race, and calls nothing that would be.
//
//go:norace
func (m *frameLayout) sight(t *starlark.Thread) (s sight, ok bool) {
	thread := unsafe.Pointer(t)
	s.steps = *(*uint64)(unsafe.Add(thread, m.steps))
	stack := *(*[]unsafe.Pointer)(unsafe.Add(thread, m.stack))
	s.depth = len(stack)
	for i := s.depth - 1; i >= 0 && i >= s.depth-maxBuiltins; i-- {
		frame := stack[i]
		if frame == nil {
			return s, false
		}
		words := *(*[2]unsafe.Pointer)(unsafe.Add(frame, m.callable))
		if uintptr(words[0]) == m.function {
			s.fn, s.pc = words[1], *(*uint32)(unsafe.Add(frame, m.pc))
			return s, s.fn != nil
		}
	}
	return s, false
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
