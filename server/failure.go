package server

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strconv"

	"github.com/larkspur-web/larkspur/environ"
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

// A hostPanic is the error that a panic of Go code is turned into; its backtrace has the Go stack.
type hostPanic interface {
	error
	Panicked() bool
	Backtrace() string
}

// Backtrace returns the call stack of the script, and of Go code that panicked, or "" if the error has
// none.
func (f *Failure) Backtrace() string {
	var trace string
	var traced interface{ Backtrace() string }
	if eval := innermost(f.Err); eval != nil {
		trace = eval.Backtrace()
	} else if errors.As(f.Err, &traced) {
		return traced.Backtrace()
	}
	var panicked hostPanic
	if errors.As(f.Err, &panicked) {
		trace += "\n" + panicked.Backtrace()
	}
	return trace
}

// innermost returns the error of the script that err began with: each that wraps it knows less of the
// stack.
func innermost(err error) (eval *starlark.EvalError) {
	for {
		var inner *starlark.EvalError
		if !errors.As(err, &inner) {
			return eval
		}
		eval, err = inner, inner.Unwrap()
	}
}

// Place returns the innermost line of the script that was running, as file:line:col, or "".
func (f *Failure) Place() string {
	var placed interface{ Place() string }
	if errors.As(f.Err, &placed) {
		if place := placed.Place(); place != "" {
			return place // else the call failed between two lines of script, and what it wraps knows more
		}
	}
	if eval := innermost(f.Err); eval != nil {
		for i := range eval.CallStack {
			if pos := eval.CallStack.At(i).Pos; pos.Line > 0 {
				return pos.String()
			}
		}
	}
	return ""
}

// failureOf says what err means for the client.
func failureOf(err error) *Failure {
	f := &Failure{Status: http.StatusInternalServerError, Code: environ.CodeFailed, Err: err}
	var own *environ.Error
	var limit interface{ Timeout() bool }
	var panicked hostPanic
	switch {
	case errors.As(err, &panicked) && panicked.Panicked():
		f.Code = environ.CodePanic
	case errors.As(err, &own): // before the limit: it may wrap the timeout of a client that was slow
		f.Code = own.Code
		if own.Status != 0 {
			f.Status = own.Status
		}
	case errors.As(err, &limit) && limit.Timeout():
		f.Status, f.Code = http.StatusGatewayTimeout, environ.CodeLimit
	}
	f.theirs = f.Status < 500
	return f
}

// page answers a request that failed before anything was sent.
func (h *Handler) page(w http.ResponseWriter, r *http.Request, f *Failure) {
	if f.Status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "1")
	}
	if r.ProtoMajor == 1 && (f.Status == http.StatusRequestEntityTooLarge || f.Status == http.StatusRequestTimeout) {
		// The rest of the body will not be read. HTTP/2 has other streams on the connection, and resets this one.
		w.Header().Set("Connection", "close")
	}
	if h.ErrorPage != nil {
		h.ErrorPage(w, r, f)
		return
	}
	text := strconv.Itoa(f.Status) + " " + http.StatusText(f.Status) + "\n"
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(f.Status)
	if r.Method != http.MethodHead {
		_, _ = w.Write([]byte(text)) // nobody is left to tell
	}
}

// report logs a failure, once. What the client did wrong is not the application's error.
func (h *Handler) report(r *http.Request, e *environ.Environ, f *Failure) {
	level := slog.LevelError
	if f.Warning || f.theirs {
		level = slog.LevelWarn
	}
	attrs := []slog.Attr{slog.String("method", r.Method), slog.String("path", r.URL.Path), slog.Int("status", f.Status), slog.String("code", string(f.Code))}
	if e != nil {
		f.RequestID = e.RequestID()
		attrs = append(attrs, slog.String("request", e.RequestID()))
	}
	if place := f.Place(); place != "" {
		attrs = append(attrs, slog.String("place", place))
	}
	if trace := f.Backtrace(); trace != "" && !f.Warning {
		attrs = append(attrs, slog.String("backtrace", trace))
	}
	h.logger().LogAttrs(context.WithoutCancel(r.Context()), level, f.Err.Error(), attrs...)
}
