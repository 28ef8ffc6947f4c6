package apptest

import (
	"fmt"
	"regexp"
	"strings"

	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"
)

// A failure is the error of a request whose application failed.
type failure struct {
	head   string // what was asked, and what was answered
	reason string
	detail string
}

func (e *failure) Error() string { return e.head + ": " + e.reason }

// Detail is the backtrace of the application.
func (e *failure) Detail() string { return e.detail }

// Kind is what a script sees as .kind.
func (e *failure) Kind() string { return "request" }

// head says what was asked and what was answered.
func (x *exchange) head() string {
	status := "no answer"
	if x.status != 0 {
		status = fmt.Sprint(x.status)
	}
	return fmt.Sprintf("%s %s: %s", x.request.Method, x.request.URL.RequestURI(), status)
}

func (x *exchange) failure(f *fault) *failure {
	reason := f.message
	if f.place != "" {
		reason = f.place + ": " + reason
	}
	if f.code != "" {
		reason += " (" + f.code + ")"
	}
	return &failure{x.head(), reason, trace(f.backtrace)}
}

// trace is a backtrace without its last line, which says the message again.
func trace(backtrace string) string {
	lines := strings.Split(strings.TrimRight(backtrace, "\n"), "\n")
	if last := len(lines) - 1; strings.HasPrefix(lines[last], "Error") {
		lines = lines[:last]
	}
	return strings.Join(lines, "\n")
}

// An expectation is what a test says of the failing of a request.
type expectation struct {
	fails   bool           // that it will
	pattern *regexp.Regexp // of its code and message
}

func (e *expectation) set(v starlark.Value) error {
	if v == nil || v == starlark.None {
		return nil
	}
	pattern, ok := starlark.AsString(v)
	if !ok {
		return fmt.Errorf(`fails is %s, not a string: write a regular expression, or "" for any failure`, v.Type())
	}
	re, err := regexp.Compile(pattern)
	if err != nil {
		return fmt.Errorf("fails: %w", err)
	}
	e.fails, e.pattern = true, re
	return nil
}

// verdict is the error of the exchange, which has ended, or nil.
func (e *expectation) verdict(x *exchange) error {
	f := x.fault()
	if !e.fails {
		if f == nil {
			return nil
		}
		return x.failure(f)
	}
	if f == nil && len(x.journal.faults) > 0 {
		f = &x.journal.faults[0]
	}
	switch {
	case f == nil:
		return &failure{x.head(), "it did not fail", fmt.Sprintf("want a failure that matches %q", e.pattern)}
	case !e.pattern.MatchString(f.text()):
		err := x.failure(f)
		err.reason = "it failed otherwise"
		err.detail = fmt.Sprintf("got:  %s\nwant a match of %q\n%s", f.text(), e.pattern, err.detail)
		return err
	}
	return nil
}

// errorValue is a response's error: what failed, or None.
func (x *exchange) errorValue() starlark.Value {
	f := x.fault()
	if f == nil && len(x.journal.faults) > 0 {
		f = &x.journal.faults[0]
	}
	if f == nil {
		return starlark.None
	}
	return starlarkstruct.FromStringDict(starlark.String("error"), starlark.StringDict{
		"code":      starlark.String(f.code),
		"message":   starlark.String(f.message),
		"place":     starlark.String(f.place),
		"backtrace": starlark.String(f.backtrace),
	})
}
