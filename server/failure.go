package server

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/http"

	"github.com/larkspur-web/larkspur/environ"
	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// A Failure is a request that the application did not answer, or not rightly.
type Failure struct {
	// Status is that of the response: 500, 504, or what the fault deserves.
	Status int
	// Code names the fault.
	Code environ.Code
	// Err is the error, which may wrap a *starlark.EvalError.
	Err error
	// RequestID is that of the environ.
	RequestID string
	// Warning says that the response went out all the same.
	Warning bool

	theirs bool // the client did it, not the application
}

// theirs returns the failure of a request that is the client's fault.
func theirs(code environ.Code, status int, format string, args ...any) *Failure {
	return &Failure{Status: status, Code: code, Err: environ.Errorf(code, "", format, args...),
		theirs: true}
}

// Backtrace returns the call stack of the script, and of Go code that panicked, or "" if the error
// has none.
func (f *Failure) Backtrace() string { return host.BacktraceOf(f.Err) }

// Place returns the innermost line of the script that was running, as file:line:col, or "".
func (f *Failure) Place() string { return host.PlaceOf(f.Err) }

// Limit is the name of the limit that was reached, "" if none was: "time", "steps", "depth" or
// "memory" of a call, "idle" of a response that sent nothing, "body" of the request; "calls",
// "waiting" or "process memory" of all that runs.
func (f *Failure) Limit() string {
	switch name := host.LimitOf(f.Err); {
	case name != "":
		return name
	case errors.Is(f.Err, errFull):
		return "calls"
	case errors.Is(f.Err, errTight):
		return "process memory"
	case errors.Is(f.Err, errEvicted):
		return "waiting"
	case f.Code == environ.CodeInputTooLong:
		return "body"
	case f.Code == environ.CodeLimit:
		return "idle"
	}
	return ""
}

// failureOf says what err means for the client.
func failureOf(err error) *Failure {
	f := &Failure{Status: http.StatusInternalServerError, Code: environ.CodeFailed, Err: err}
	code, status := host.CodeOf(err), host.StatusOf(err)
	var large *http.MaxBytesError
	switch {
	case host.Panicked(err):
		f.Code = environ.CodePanic
	case code != "": // before the limit: it may wrap the timeout of a client that was slow
		f.Code = environ.Code(code)
		f.Status = cmp.Or(status, f.Status)
	case status >= http.StatusInternalServerError: // of a server that was asked, say
		f.Status = status
	case status != 0: // Go code has refused the request, and nothing is at fault
		f.Code, f.Status = "", status
	case errors.As(err, &large): // of a host function that has read the body itself
		f.Status, f.Code = http.StatusRequestEntityTooLarge, environ.CodeInputTooLong
	case host.TimedOut(err):
		f.Status, f.Code = http.StatusGatewayTimeout, environ.CodeLimit
	}
	f.theirs = f.Status < 500
	return f
}

// orDefault returns logger, or the default one if it is nil.
func orDefault(logger *slog.Logger) *slog.Logger {
	if logger == nil {
		return slog.Default()
	}
	return logger
}

// How many failures of a kind are logged one by one: see tally. That the server is full is said
// once.
const (
	firstFull     = 1
	firstFailures = 20
)

// report logs a failure, once. What the client did wrong is not the application's error.
func (t *tally) report(logger *slog.Logger, r *http.Request, f *Failure) {
	level := slog.LevelError
	if f.Warning || f.theirs {
		level = slog.LevelWarn
	}
	attrs := []slog.Attr{slog.String("method", host.Cut(r.Method)), slog.String("path", host.Cut(r.URL.Path)),
		slog.Int("status", f.Status)}
	if f.Code != "" {
		attrs = append(attrs, slog.String("code", string(f.Code)))
	}
	if f.RequestID != "" {
		attrs = append(attrs, slog.String("request", f.RequestID))
	}
	place := f.Place()
	if place != "" {
		attrs = append(attrs, slog.String("place", place))
	}
	if trace := f.Backtrace(); trace != "" && !f.Warning {
		attrs = append(attrs, slog.String("backtrace", trace))
	}
	n := notice{string(f.Code) + " " + place, firstFailures, level, f.Err.Error(), attrs}
	if f.Code == environ.CodeFull || f.Status == http.StatusServiceUnavailable {
		n.first = firstFull
	}
	t.log(context.WithoutCancel(r.Context()), orDefault(logger), n)
}

// answered tells who wants to know of a response that has ended, with f or well.
func (r *response) answered(f *Failure) {
	tell := r.lease.gateway.Answered
	switch {
	case tell == nil:
	case f == nil:
		tell(r.lease.run.Generation(), int(r.status), nil)
	case f.theirs:
		tell(r.lease.run.Generation(), f.Status, nil)
	default:
		tell(r.lease.run.Generation(), f.Status, f)
	}
}

// refused is answered for a request that no generation was called for: the one that serves has not been fast
// enough with others, or holds too much.
func (g *Gateway) refused(f *Failure) {
	if g.Answered == nil || f.theirs {
		return
	}
	run := g.App.Begin()
	defer run.End()
	g.Answered(run.Generation(), f.Status, f)
}

// A returnError is a fault of what the application returned, which no line of the script led to.
type returnError struct {
	fault *environ.Error
	app   starlark.Callable
	body  starlark.Value
}

var _ host.Returner = (*returnError)(nil)

// Returned is [host.Returner]'s.
func (e *returnError) Returned() (starlark.Callable, starlark.Value) { return e.app, e.body }

func (e *returnError) Error() string { return e.fault.Error() }
func (e *returnError) Unwrap() error { return e.fault }
