package server

import (
	"errors"
	"strconv"

	"github.com/larkspur-web/larkspur/environ"
	"go.starlark.net/starlark"
)

func formatLength(n int64) string { return strconv.FormatInt(n, 10) }

// startResponse is the response as the application's start_response(status, headers, exc_info = None).
type startResponse response

// writer is the response as the write(block) that start_response returns.
type writer response

// The functions that a response gives to the script are views of it: they cost no allocation, where a
// builtin would cost itself and a closure.
func hash() (uint32, error) { return 0, errors.New("unhashable: builtin_function_or_method") }

var _, _ starlark.Callable = (*startResponse)(nil), (*writer)(nil)

func (s *startResponse) Name() string          { return "start_response" }
func (s *startResponse) String() string        { return "<built-in function start_response>" }
func (s *startResponse) Type() string          { return "builtin_function_or_method" }
func (s *startResponse) Freeze()               {}
func (s *startResponse) Truth() starlark.Bool  { return starlark.True }
func (s *startResponse) Hash() (uint32, error) { return hash() }

// CallInternal is PEP 3333's "The start_response() Callable".
func (s *startResponse) CallInternal(t *starlark.Thread, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	r := (*response)(s)
	if r.over {
		return nil, environ.Errorf(environ.CodeEnded, "call it during the request", "start_response() called after the response ended")
	}
	status, headers, excInfo, err := unpackStart(args, kwargs)
	if err != nil {
		return nil, err
	}
	var cause error
	if excInfo != starlark.None {
		var ok bool
		if cause, ok = excInfo.(error); !ok || excInfo.Type() != "error" {
			return nil, environ.Errorf(environ.CodeExcInfo, "pass the error that catch() returned", "exc_info is %s, neither None nor an error", excInfo.Type())
		}
		if r.sent {
			// PEP 3333: headers are out, so the original error is raised again. The script must not
			// trap it: the call is failed, not only this function.
			if inner := errors.Unwrap(cause); inner != nil {
				cause = inner
			}
			r.ctl.Fail(cause)
			return nil, cause
		}
	} else if r.called {
		return nil, environ.Errorf(environ.CodeTwice, "pass the error of catch() as exc_info to replace a response", "start_response() was called before")
	}
	// The call counts even if what follows is wrong: a second one is a second one, and what it was to
	// replace is void.
	r.called = true
	r.start(0, nil, -1)
	code, err := parseStatus(status)
	if err != nil {
		return nil, err
	}
	fields, err := parseHeaders(make([]field, 0, 4), headers, "headers")
	if err != nil {
		return nil, err
	}
	length, err := contentLength(fields)
	if err != nil {
		return nil, err
	}
	r.start(code, fields, length)
	return (*writer)(r), nil
}

// unpackStart is the quick way for the usual call, and the stock way for all others.
func unpackStart(args starlark.Tuple, kwargs []starlark.Tuple) (status, headers, excInfo starlark.Value, err error) {
	if len(kwargs) == 0 && len(args) == 2 {
		return args[0], args[1], starlark.None, nil
	}
	var all struct{ status, headers, excInfo starlark.Value }
	all.excInfo = starlark.None
	err = starlark.UnpackArgs("start_response", args, kwargs, "status", &all.status, "headers", &all.headers, "exc_info?", &all.excInfo)
	if err != nil {
		err = environ.Errorf(environ.CodeArguments, `write start_response("200 OK", [("Content-Type", "text/plain")])`, "%v", err)
	}
	return all.status, all.headers, all.excInfo, err
}

func (w *writer) Name() string          { return "write" }
func (w *writer) String() string        { return "<built-in function write>" }
func (w *writer) Type() string          { return "builtin_function_or_method" }
func (w *writer) Freeze()               {}
func (w *writer) Truth() starlark.Bool  { return starlark.True }
func (w *writer) Hash() (uint32, error) { return hash() }

// CallInternal is PEP 3333's "The write() Callable": the block is on the wire when it returns.
func (w *writer) CallInternal(_ *starlark.Thread, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	r := (*response)(w)
	if r.over {
		return nil, environ.Errorf(environ.CodeEnded, "call it during the request", "write() called after the response ended")
	}
	if r.returned {
		return nil, environ.Errorf(environ.CodeLateWrite, "write before returning, or return a callable body and use its stream", "write() called after the application returned")
	}
	if len(args) != 1 || len(kwargs) != 0 {
		return nil, environ.Errorf(environ.CodeArguments, "", "write() takes one block, got %d arguments", len(args)+len(kwargs))
	}
	s, ok := blockOf(args[0])
	if !ok {
		return nil, notBlock(args[0], "the argument of write()")
	}
	r.open = true
	return starlark.None, r.put(s)
}

// put sends a block that the script hands over by a call, and tells it if that is more than was declared.
func (r *response) put(s string) error {
	if err := r.block(s, true); err != nil {
		if err == errGone {
			r.ctl.Fail(err) // or a script that catches it writes on
		}
		return err
	}
	if r.cut {
		return environ.Errorf(environ.CodeTooLong, "", "more than the Content-Length of %d bytes was written", r.length)
	}
	return nil
}

// blockOf returns the octets of a block: bytes, or a string, which in Starlark is octets too.
func blockOf(v starlark.Value) (string, bool) {
	switch v := v.(type) {
	case starlark.Bytes:
		return string(v), true
	case starlark.String:
		return string(v), true
	}
	return "", false
}

func notBlock(v starlark.Value, where string) error {
	return environ.Errorf(environ.CodeBlock, "convert it with str()", "%s is %s, neither bytes nor string", where, v.Type())
}
