package server

import (
	"errors"

	"github.com/larkspur-web/larkspur/environ"
	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/server/answer"
	"go.starlark.net/starlark"
)

// A starter is start_response(status, headers, exc_info = None): PEP 3333, "The start_response()
// Callable".
type starter struct{ function }

var startResponse = definition{"start_response", func(r *response, _ *starlark.Thread,
	args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	status, headers, excInfo, err := unpackStart(args, kwargs)
	if err != nil {
		return nil, err
	}
	if err := r.restart(excInfo); err != nil {
		return nil, err
	}
	if err := r.set(status, headers); err != nil {
		return nil, err
	}
	return &r.writer, nil
}}

// Start is [environ.Starter]'s.
func (s *starter) Start(status int, fields []environ.Field) error {
	if err := s.ended(); err != nil {
		return err
	}
	if err := s.r.restart(starlark.None); err != nil {
		return err
	}
	return s.r.setGo(status, fields)
}

// restart reports whether start_response may be called, for the first time or with this exc_info.
func (r *response) restart(excInfo starlark.Value) error {
	if excInfo == starlark.None {
		if r.called {
			return environ.Errorf(environ.CodeTwice,
				"pass the error of catch() as exc_info to replace a response",
				"start_response() was called before")
		}
		return nil
	}
	cause, ok := excInfo.(error)
	if !ok || excInfo.Type() != "error" {
		return environ.Errorf(environ.CodeExcInfo, "pass the error that catch() returned",
			"exc_info is %s, neither None nor an error", excInfo.Type())
	}
	if !r.sent {
		return nil
	}
	// PEP 3333: headers are out, so the original error is raised again. The script must not
	// trap it: the call is failed, not only this function.
	if inner := errors.Unwrap(cause); inner != nil {
		cause = inner
	}
	r.deadlines.call.Fail(cause)
	return cause
}

// unpackStart is the quick way for the usual call, and the stock way for all others.
func unpackStart(args starlark.Tuple, kwargs []starlark.Tuple) (
	status, headers, excInfo starlark.Value, err error,
) {
	if len(kwargs) == 0 && len(args) == 2 {
		return args[0], args[1], starlark.None, nil
	}
	var all struct{ status, headers, excInfo starlark.Value }
	all.excInfo = starlark.None
	err = starlark.UnpackArgs("start_response", args, kwargs, "status", &all.status, "headers",
		&all.headers, "exc_info?", &all.excInfo)
	if err != nil {
		err = environ.Errorf(environ.CodeArguments,
			`write start_response("200 OK", [("Content-Type", "text/plain")])`, "%v", err)
	}
	return all.status, all.headers, all.excInfo, err
}

// write is write(block), which start_response returns: PEP 3333, "The write() Callable". The block
// is on the wire when it returns.
var write = definition{"write", func(r *response, _ *starlark.Thread, args starlark.Tuple,
	kwargs []starlark.Tuple) (starlark.Value, error) {
	if r.returned {
		return nil, environ.Errorf(environ.CodeLateWrite,
			"write before returning, or return a callable body and use its stream",
			"write() called after the application returned")
	}
	if len(args) != 1 || len(kwargs) != 0 {
		return nil, environ.Errorf(environ.CodeArguments, "",
			"write() takes one block, got %d arguments", len(args)+len(kwargs))
	}
	s, ok := host.Octets(args[0])
	if !ok {
		return nil, answer.NotBlock(args[0], "the argument of write()")
	}
	r.duplex = true
	return starlark.None, r.put(s)
}}
