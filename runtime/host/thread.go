package host

import (
	"reflect"
	"unsafe"

	"go.starlark.net/starlark"
)

// A Thread is a thread of the interpreter with the call that it runs. A local of the thread would
// be a map of one entry, which is a fifth of what a small request allocates.
//
// It must not be copied once it is started, and its OnMaxSteps must stay: by it [CallOf] knows that
// a starlark.Thread is a part of a Thread.
type Thread struct {
	starlark.Thread
	call Stepper
	lent *stack // nil unless it is lent: see [Stacks]
}

// A Stepper is a Call that is asked now and then whether it may go on.
type Stepper interface {
	Call
	// Step is called when the thread has taken as many steps as its SetMaxExecutionSteps said. The
	// call goes on if that is more when Step returns.
	Step()
}

// Start makes c the call that t runs. It is for the package that makes calls.
func (t *Thread) Start(c Stepper) {
	t.call = c
	t.OnMaxSteps = step
}

// step is the OnMaxSteps of each Thread.
func step(t *starlark.Thread) { threadOf(t).call.Step() }

// threadOf returns the Thread that t is a part of, nil if it is of none.
func threadOf(t *starlark.Thread) *Thread {
	if t == nil || reflect.ValueOf(t.OnMaxSteps).Pointer() != reflect.ValueOf(step).Pointer() {
		return nil
	}
	return (*Thread)(unsafe.Pointer(t)) // its first field
}
