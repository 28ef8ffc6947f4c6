package runtime

import (
	"fmt"
	"math"
	"time"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// Limits bound what one load or one call may use. The zero value holds on an open network.
type Limits struct {
	// Steps is how many steps of the interpreter a call may take; a simple line of script takes
	// four to ten. Zero means 100,000,000 (about a second); math.MaxUint64 sets no bound.
	Steps uint64
	// Time is how long a call may last, or go on after the last [host.Call.Extend]. Zero means 30
	// seconds; negative sets no bound.
	Time time.Duration
	// Depth is how many calls may be active at once in a thread. Zero means 1,000; negative leaves
	// only the interpreter's own bound of 100,000 (which costs 400 MB to reach).
	Depth int
	// Memory is how many bytes the values of a call may have, and what one step of it may make. Zero
	// means 256 MiB; negative sets no bound. The package comment says what is counted, and when.
	Memory int64
	// Source is how many bytes a file of script may have. Zero means 1 MiB; negative sets no bound,
	// which is not safe: 6 MB of "1+1+1+..." exhaust the parser's stack and end the process.
	Source int
}

// WithDefaults returns the limits with every zero, and every "no bound", replaced by a number.
func (l Limits) WithDefaults() Limits {
	if l.Steps == 0 {
		l.Steps = 100_000_000
	}
	l.Time = bound(l.Time, 30*time.Second, math.MaxInt64)
	l.Depth = bound(l.Depth, 1000, math.MaxInt)
	l.Memory = bound(l.Memory, 256<<20, math.MaxInt64)
	l.Source = bound(l.Source, 1<<20, math.MaxInt)
	return l
}

func bound[T ~int | ~int64](n, zero, negative T) T {
	switch {
	case n == 0:
		return zero
	case n < 0:
		return negative
	}
	return n
}

var (
	_ host.Placer     = (*LimitError)(nil)
	_ host.Backtracer = (*LimitError)(nil)
	_ host.Timeouter  = (*LimitError)(nil)
	_ host.Limiter    = (*LimitError)(nil)
	_ host.Placer     = (*failure)(nil)
	_ host.Backtracer = (*failure)(nil)
)

// A LimitError says that a call was stopped because it reached one of its [Limits].
type LimitError struct {
	// Kind is "steps", "time", "depth" or "memory".
	Kind string
	// Limit is the bound that was reached: a number of steps, nanoseconds, a number of frames, or
	// bytes. For a call that ended because the process came near the limit of its own memory, and the
	// call held most, it is that limit.
	Limit uint64
	// Stack is where the script was when it was stopped, outermost frame first.
	Stack starlark.CallStack

	held uint64 // what the call held that held most in the process; 0 for others
}

// Pos is the line of script that was running. It is the zero Position if none was.
func (e *LimitError) Pos() syntax.Position { return host.Position(e.Stack) }

func (e *LimitError) Error() string {
	var msg string
	switch e.Kind {
	case "time":
		msg = fmt.Sprintf("stopped at the time limit of %v", time.Duration(e.Limit))
	case "depth":
		msg = fmt.Sprintf("stopped at the depth limit of %d nested calls", e.Limit)
	case "memory":
		msg = fmt.Sprintf("stopped at the memory limit of %d bytes", e.Limit)
		if e.held > 0 {
			msg = fmt.Sprintf("stopped, because it held most, %d bytes, when the process came near "+
				"its memory limit of %d bytes", e.held, e.Limit)
		}
	default:
		msg = fmt.Sprintf("stopped at the limit of %d steps", e.Limit)
	}
	return at(e.Stack, msg)
}

// Backtrace is the error below the script's stack, as [starlark.EvalError.Backtrace] writes it.
func (e *LimitError) Backtrace() string { return host.Trace(e.Stack) + "Error: " + e.Error() }

// Place is Pos as FILE:LINE:COL, or "" if no line of script was running.
func (e *LimitError) Place() string { return placeOf(e.Stack) }

// Timeout reports true: the script took too long, by whichever measure.
func (e *LimitError) Timeout() bool { return true }

// LimitReached is Kind.
func (e *LimitError) LimitReached() string { return e.Kind }

// A failure is an error that ended a whole call, with the place that the script had come to.
type failure struct {
	err   error
	stack starlark.CallStack
}

func (e *failure) Error() string     { return at(e.stack, e.err.Error()) }
func (e *failure) Unwrap() error     { return e.err }
func (e *failure) Place() string     { return placeOf(e.stack) }
func (e *failure) Backtrace() string { return host.Trace(e.stack) + "Error: " + e.err.Error() }

// A PanicError is a panic in Go code that a call ran, recovered.
type PanicError = host.PanicError

func placeOf(stack starlark.CallStack) string { return placeAt(host.Position(stack)) }

// placeAt is a position as FILE:LINE:COL, or "" if it is the zero one.
func placeAt(pos syntax.Position) string {
	if pos.Line > 0 {
		return pos.String()
	}
	return ""
}

// at prefixes msg with the position of stack, if it has one.
func at(stack starlark.CallStack, msg string) string {
	if place := placeOf(stack); place != "" {
		return place + ": " + msg
	}
	return msg
}
