package state

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/larkspur-web/larkspur/runtime/host"
)

// The kinds of an [Error].
const (
	KindKey         = "key"         // what stands for a key is none
	KindValue       = "value"       // a value is none that JSON can say, or is none that a script wrote
	KindSize        = "size"        // a value has too many bytes
	KindConflict    = "conflict"    // another one changed what was to be changed, and went on doing so
	KindLimit       = "limit"       // there are more than may be at once, or are returned at once
	KindFull        = "full"        // there is no room for more
	KindUnavailable = "unavailable" // what keeps it cannot be reached
	KindTimeout     = "timeout"     // it did not answer in time
	KindCancelled   = "cancelled"   // the call has ended meanwhile
	KindUsage       = "usage"       // it is not to be called so, or not here
)

// An Error is why something was not kept, or could not be read. Its message has no value in it, and
// no key, so that it may be logged and shown. It is immutable.
type Error struct {
	// Message says what is wrong, in one line.
	Message string

	kind string
	err  error
}

var (
	_ host.Kinder    = (*Error)(nil)
	_ host.Statuser  = (*Error)(nil)
	_ host.Timeouter = (*Error)(nil)
	_ host.Coder     = (*Error)(nil)
)

// Error returns the message.
func (e *Error) Error() string { return e.Message }

// Kind is what a script sees as .kind of what catch() returns: one of the constants of the package.
func (e *Error) Kind() string { return e.kind }

// HTTPStatus is 503 for what may go well later, 507 where there is no room, and 4xx for what is, as a
// rule, the client's: a key that is none, a value that is too large, a change that came second.
func (e *Error) HTTPStatus() int {
	switch e.kind {
	case KindKey:
		return http.StatusBadRequest
	case KindSize:
		return http.StatusRequestEntityTooLarge
	case KindConflict:
		return http.StatusConflict
	case KindLimit, KindUnavailable, KindTimeout:
		return http.StatusServiceUnavailable
	case KindFull:
		return http.StatusInsufficientStorage
	}
	return 0
}

// ErrorCode is the code of what cannot be reached: LARK0604 of environ, which this package does not know.
func (e *Error) ErrorCode() string {
	if e.kind == KindUnavailable || e.kind == KindTimeout {
		return "LARK0604"
	}
	return ""
}

// Timeout reports whether a limit of time was reached.
func (e *Error) Timeout() bool { return e.kind == KindTimeout }

// Unwrap returns the error of the client of NATS, or of the context.
func (e *Error) Unwrap() error { return e.err }

// failed is an error of a kind.
func failed(kind, format string, args ...any) *Error {
	return &Error{Message: fmt.Sprintf(format, args...), kind: kind}
}

// because has e wrap err.
func (e *Error) because(err error) *Error {
	e.err = err
	return e
}

// isKind reports whether err is an [Error] of the kind.
func isKind(err error, kind string) bool {
	var e *Error
	return errors.As(err, &e) && e.kind == kind
}

// ended is the error of what a call waited for that has ended.
func ended(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}
