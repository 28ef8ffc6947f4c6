package host

import (
	"math"
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

// A Charger is a Call that counts the work of Go code as steps of the script.
type Charger interface {
	// Charge counts n steps, and returns why the call must not go on, if it must not.
	Charge(n uint64) error
}

// Charge counts n steps of the call that t runs, for what Go code does that works long: so it is
// bounded as the script is. It returns an error if the call must not go on. It is to be called
// every hundred steps or so, not for each.
func Charge(t *starlark.Thread, n uint64) error {
	if own := threadOf(t); own != nil {
		if c, ok := own.call.(Charger); ok {
			return c.Charge(n)
		}
	}
	return CallOf(t).Context().Err()
}

// A Bounder is a Call whose memory is bounded.
type Bounder interface {
	// Room returns how many bytes one step may make.
	Room() int64
}

// Room returns how many bytes the call that t runs may make in one step: Go code that makes much of
// little asks before it does. It is the most there is for a call that is not bounded.
func Room(t *starlark.Thread) int64 {
	if own := threadOf(t); own != nil {
		if b, ok := own.call.(Bounder); ok {
			return b.Room()
		}
	}
	return math.MaxInt64
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
