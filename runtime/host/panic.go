package host

import "fmt"

// A PanicError is a panic in Go code that a script called, recovered.
type PanicError struct {
	Value any    // what panic was called with
	Stack []byte // the Go stack, as debug.Stack writes it
}

var (
	_ Panicker   = (*PanicError)(nil)
	_ Backtracer = (*PanicError)(nil)
)

func (e *PanicError) Error() string { return fmt.Sprintf("panic: %v", e.Value) }

// Panicked reports true: the fault is in Go code, not in the script.
func (e *PanicError) Panicked() bool { return true }

// Backtrace is the error above the Go stack.
func (e *PanicError) Backtrace() string { return e.Error() + "\n" + string(e.Stack) }

// Unwrap returns the value of the panic if it is an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}
