package host

import (
	"math"
	"reflect"
	"sync"
	"unsafe"

	"go.starlark.net/starlark"
)

// Stacks are the call stacks of threads that have ended, for those that begin: the interpreter
// keeps the frames of functions that have returned, empty, and uses them again, but a thread begins
// with none. They are a sixth of what a small request allocates. The zero value works, and is safe
// for concurrent use.
type Stacks struct{ free sync.Pool }

// A stack is that of a thread, whose frames are of a type of the interpreter's own.
type stack []unsafe.Pointer

// maxStack is how deep a stack may have been that is kept.
const maxStack = 32

// Lend gives t, which has not begun, a stack. Return should follow.
func (s *Stacks) Lend(t *Thread) {
	if field := stackOf(&t.Thread); field != nil {
		if t.lent, _ = s.free.Get().(*stack); t.lent == nil {
			t.lent = new(stack)
		}
		*field = *t.lent
		t.SetMaxExecutionSteps(math.MaxUint64) // as the interpreter does where there is no stack
	}
}

// Return takes the stack of t, which has ended, back. What t says of itself afterwards is that it
// runs nothing, as before.
func (s *Stacks) Return(t *Thread) {
	field := stackOf(&t.Thread)
	if field == nil || t.lent == nil || len(*field) != 0 || cap(*field) > maxStack {
		return
	}
	*t.lent, *field = *field, nil
	s.free.Put(t.lent)
	t.lent = nil
}

// stackOf returns where t has its stack, nil if the interpreter is not made as expected.
func stackOf(t *starlark.Thread) *stack {
	offset := stackOffset()
	if offset < 0 {
		return nil
	}
	return (*stack)(unsafe.Add(unsafe.Pointer(t), offset))
}

// stackOffset returns where in a thread its stack is, or -1.
var stackOffset = sync.OnceValue(func() int {
	f, ok := reflect.TypeFor[starlark.Thread]().FieldByName("stack")
	if !ok || f.Type.Kind() != reflect.Slice || f.Type.Elem().Kind() != reflect.Pointer {
		return -1
	}
	return int(f.Offset)
})
