package host

import (
	"errors"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// What an error may say of itself.
type (
	// A Coder is an error with a code that stays the same for good, as LARK0204.
	Coder interface{ ErrorCode() string }
	// A Statuser is an error for which the client gets an HTTP status other than 500.
	Statuser interface{ HTTPStatus() int }
	// A Placer is an error that knows the line of script that was running, as FILE:LINE:COL; ""
	// if none was.
	Placer interface{ Place() string }
	// A Backtracer is an error that has a call stack, as text.
	Backtracer interface{ Backtrace() string }
	// A Kinder is an error that a script sees with this .kind.
	Kinder interface{ Kind() string }
	// A Timeouter is an error that may mean that a limit was reached, as in package net.
	Timeouter interface{ Timeout() bool }
	// A Limiter is an error that names the limit which was reached: "time", "steps".
	Limiter interface{ LimitReached() string }
	// An Answerer is an error that carries an application. If nothing has been sent, that answers
	// in the place of the one that failed with it.
	Answerer interface{ Answer() starlark.Callable }
	// A Panicker is an error that may be a panic of Go code, recovered.
	Panicker interface{ Panicked() bool }
	// A Skipper is an error that may mean that a test is not meant to run here.
	Skipper interface{ Skipped() bool }
	// A Returner is an error about what a function of the script returned, to which no line of it
	// led: whoever has the script finds the place.
	Returner interface {
		Returned() (fn starlark.Callable, v starlark.Value)
	}
	// A Detailer is an error that has more to show than its message: lines of text.
	Detailer interface{ Detail() string }
)

// as returns the first error in the chain of err that is a T.
func as[T any](err error) (t T, ok bool) {
	ok = errors.As(err, &t)
	return t, ok
}

// CodeOf returns the code of err, "" if it has none.
func CodeOf(err error) string {
	if c, ok := as[Coder](err); ok {
		return c.ErrorCode()
	}
	return ""
}

// StatusOf returns the HTTP status for err, 0 if it asks for none.
func StatusOf(err error) int {
	if s, ok := as[Statuser](err); ok {
		return s.HTTPStatus()
	}
	return 0
}

// KindOf returns the kind of err as a script sees it, "error" if it says none.
func KindOf(err error) string {
	if k, ok := as[Kinder](err); ok {
		return k.Kind()
	}
	return "error"
}

// TimedOut reports whether err means that a limit was reached.
func TimedOut(err error) bool {
	t, ok := as[Timeouter](err)
	return ok && t.Timeout()
}

// LimitOf returns the name of the limit that was reached, "" if err names none.
func LimitOf(err error) string {
	if l, ok := as[Limiter](err); ok {
		return l.LimitReached()
	}
	return ""
}

// Panicked reports whether err is a panic of Go code.
func Panicked(err error) bool {
	p, ok := as[Panicker](err)
	return ok && p.Panicked()
}

// Skipped reports whether err ends a test that is not meant to run here.
func Skipped(err error) bool {
	s, ok := as[Skipper](err)
	return ok && s.Skipped()
}

// AnswerOf returns the application that answers in the place of the one that failed with err, nil
// if there is none.
func AnswerOf(err error) starlark.Callable {
	if a, ok := as[Answerer](err); ok {
		return a.Answer()
	}
	return nil
}

// Innermost returns the error of the script that err began with, nil if there is none: each that
// wraps it knows less of the stack.
func Innermost(err error) (eval *starlark.EvalError) {
	for {
		inner, ok := as[*starlark.EvalError](err)
		if !ok {
			return eval
		}
		eval, err = inner, inner.Unwrap()
	}
}

// BacktraceOf returns the call stack of the script, and of Go code that panicked; "" if err has
// none.
func BacktraceOf(err error) string {
	eval := Innermost(err)
	if eval == nil {
		if b, ok := as[Backtracer](err); ok {
			return folded(b.Backtrace())
		}
		return ""
	}
	text := folded(trace(eval))
	if p, ok := as[Panicker](err); ok && p.Panicked() {
		if b, ok := p.(Backtracer); ok {
			text += "\n" + b.Backtrace()
		}
	}
	return text
}

// PlaceOf returns the innermost line of script that was running, as FILE:LINE:COL; "" if none was.
func PlaceOf(err error) string {
	for inner := err; ; {
		p, ok := as[Placer](inner)
		if !ok {
			break
		}
		if place := p.Place(); place != "" {
			return place
		}
		// The call failed between two lines of script: what it wraps may know more.
		if inner = errors.Unwrap(p.(error)); inner == nil {
			break
		}
	}
	if eval := Innermost(err); eval != nil {
		if pos := Position(eval.CallStack); pos.Line > 0 {
			return pos.String()
		}
	}
	return ""
}

// Position returns the place of the innermost frame that is a line of script, the zero Position if
// there is none.
func Position(stack starlark.CallStack) syntax.Position {
	for i := range stack {
		if pos := stack.At(i).Pos; pos.Line > 0 {
			return pos
		}
	}
	return syntax.Position{}
}
