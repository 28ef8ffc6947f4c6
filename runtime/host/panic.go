package host

import (
	"errors"
	"fmt"
)

// A PanicError is a panic in Go code that a script called, recovered.
type PanicError struct {
	Value any    // what panic was called with
	Stack []byte // the Go stack, as debug.Stack writes it
}

var (
	_ Panicker   = (*PanicError)(nil)
	_ Backtracer = (*PanicError)(nil)
	_ Kinder     = (*PanicError)(nil)
)

func (e *PanicError) Error() string { return "panic: " + Cut(fmt.Sprint(e.Value)) }

// Kind is what a script sees as .kind of the error that catch returns.
func (e *PanicError) Kind() string { return "panic" }

// Panicked reports true: the fault is in Go code, not in the script.
func (e *PanicError) Panicked() bool { return true }

// Backtrace is the error above the Go stack.
func (e *PanicError) Backtrace() string { return e.Error() + "\n" + string(e.Stack) }

// Unwrap returns the value of the panic if it is an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// aborting is what http.ErrAbortHandler says. It is known by that, so that a program which serves
// no HTTP does not link net/http.
const aborting = "net/http: abort Handler"

// Aborted reports whether err is a panic with http.ErrAbortHandler: whoever raised it wants the
// response broken off, and nothing said of it.
func Aborted(err error) bool {
	var p *PanicError
	if !errors.As(err, &p) {
		return false
	}
	value, ok := p.Value.(error)
	return ok && value.Error() == aborting
}
