package apptest

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"
)

// A requestError is the error of a request whose application failed.
type requestError struct {
	head   string // what was asked, and what was answered
	reason string
	detail string
}

var _ host.Kinder = (*requestError)(nil)

func (e *requestError) Error() string { return e.head + ": " + e.reason }

// Detail is the backtrace of the application.
func (e *requestError) Detail() string { return e.detail }

// Kind is what a script sees as .kind.
func (e *requestError) Kind() string { return "request" }

// head says what was asked and what was answered.
func (x *exchange) head() string {
	status := "no answer"
	if x.status != 0 {
		status = fmt.Sprint(x.status)
	}
	return fmt.Sprintf("%s %s: %s", x.request.Method, x.request.URL.RequestURI(), status)
}

// failed is the error of a request whose application failed as d says.
func (x *exchange) failed(d *diagnostic) *requestError {
	reason := d.String()
	if d.code != "" {
		reason += " (" + d.code + ")"
	}
	return &requestError{x.head(), reason, trace(d.backtrace)}
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
		return fmt.Errorf("fails is %s, not a string: write a regular expression, "+
			`or "" for any failure`, v.Type())
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
	if !e.fails {
		if d := x.diagnostic(); d != nil {
			return x.failed(d)
		}
		return nil
	}
	d := x.whatever()
	switch {
	case d == nil:
		return &requestError{x.head(), "it did not fail",
			fmt.Sprintf("want a failure that matches %q", e.pattern)}
	case !e.pattern.MatchString(d.text()):
		err := x.failed(d)
		err.reason = "it failed otherwise"
		err.detail = fmt.Sprintf("got:  %s\nwant a match of %q\n%s", d.text(), e.pattern, err.detail)
		return err
	}
	return nil
}

// whatever is what the application is to answer for, or else what is wrong with the request.
func (x *exchange) whatever() *diagnostic {
	d := x.diagnostic()
	if d == nil && len(x.journal.found) > 0 {
		d = &x.journal.found[0]
	}
	return d
}

// errorValue is a response's error: what failed, or None.
func (x *exchange) errorValue() starlark.Value {
	d := x.whatever()
	if d == nil {
		return starlark.None
	}
	return starlarkstruct.FromStringDict(starlark.String("error"), starlark.StringDict{
		"code":      starlark.String(d.code),
		"message":   starlark.String(d.Message),
		"place":     starlark.String(d.Place.String()),
		"backtrace": starlark.String(d.backtrace),
	})
}
