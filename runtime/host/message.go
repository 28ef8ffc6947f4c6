package host

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"go.starlark.net/starlark"
)

const (
	// MaxMessage is how many bytes an error says at most. A message goes to logs, to pages and to
	// other messages, each of which takes its size several times.
	MaxMessage = 4096
	// maxFrames is how many calls a backtrace shows at most.
	maxFrames = 200
	// maxName is how many bytes it shows of the name of a function.
	maxName = 200
)

// Cut returns s, or the beginning of it and how much more there is, so that it fits a message.
func Cut(s string) string { return cut(s, MaxMessage) }

func cut(s string, most int) string {
	if len(s) <= most {
		return s
	}
	const room = len("... (9223372036854775807 bytes more)")
	n := most - room
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return fmt.Sprintf("%s... (%d bytes more)", s[:n], len(s)-n)
}

// Bound returns err with a message that fits. What the interpreter made is cut as it is, anything
// else is wrapped. It is for the owner of err: no other goroutine may have it yet.
func Bound(err error) error {
	if err == nil {
		return nil
	}
	for e := err; ; {
		eval, ok := as[*starlark.EvalError](e)
		if !ok {
			break
		}
		eval.Msg, e = Cut(eval.Msg), eval.Unwrap()
	}
	if msg := err.Error(); len(msg) > MaxMessage {
		return &shortened{Cut(msg), err}
	}
	return err
}

// A shortened is an error whose message was too long.
type shortened struct {
	msg string
	err error
}

func (e *shortened) Error() string { return e.msg }
func (e *shortened) Unwrap() error { return e.err }

// Trace writes a call stack as [starlark.CallStack.String] does, without the middle of a deep one.
func Trace(stack starlark.CallStack) string {
	if len(stack) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString("Traceback (most recent call last):\n")
	for i := 0; i < len(stack); i++ {
		if more := len(stack) - maxFrames; more > 0 && i == maxFrames/2 {
			fmt.Fprintf(&b, "  ... %d more calls\n", more)
			i += more
		}
		fmt.Fprintf(&b, "  %s: in %s\n", stack[i].Pos, cut(stack[i].Name, maxName))
	}
	return b.String()
}

// trace is [starlark.EvalError.Backtrace], bounded.
func trace(e *starlark.EvalError) string {
	stack, in := e.CallStack, ""
	if last := len(stack) - 1; last >= 0 && stack[last].Pos.Filename() == "<builtin>" {
		stack, in = stack[:last], " in "+cut(stack[last].Name, maxName)
	}
	return Trace(stack) + "Error" + in + ": " + Cut(e.Msg)
}

// Show returns what repr says of a value, as much of it as fits a message; of one that is much too
// large only what it is.
func Show(v starlark.Value) string {
	const much = 64 << 10
	if Measure(v, much) == nil {
		return Cut(v.String())
	}
	if n := starlark.Len(v); n >= 0 {
		return fmt.Sprintf("<%s of %d elements>", v.Type(), n)
	}
	return "<" + v.Type() + ">"
}
