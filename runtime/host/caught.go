package host

import (
	"cmp"
	"strings"

	"go.starlark.net/starlark"
)

// A Caught is an error that was caught, as a script sees it: .message, .backtrace, .kind, .status.
// It is also a Go error that wraps it, so that host code which is given one (start_response, as its
// exc_info) finds the original by asserting the value to error.
type Caught struct {
	Object
	err error
}

var (
	_ starlark.HasAttrs = (*Caught)(nil)
	_ error             = (*Caught)(nil)
)

// NewCaught returns err as a value for scripts.
func NewCaught(err error) *Caught { return &Caught{"error", err} }

// A Catcher is a Call that can say whether its script, or Go code that it called, may go on after an
// error.
type Catcher interface {
	// Catch returns nil if an error that was recovered may be kept from whoever made the call, and
	// else the error to return. A panic of Go code is logged.
	Catch(err error) error
}

// Catch returns err as a value, if what runs on t may go on after it, as catch() does. Errors that
// end the whole call, those of limits among them, may not be caught: then it returns the error that
// must be returned.
func Catch(t *starlark.Thread, err error) (*Caught, error) {
	err = Bound(err)
	if c, ok := CallOf(t).(Catcher); ok {
		if ended := c.Catch(err); ended != nil {
			return nil, ended
		}
	}
	return NewCaught(err), nil
}

func (e *Caught) Error() string { return e.err.Error() }

// Unwrap returns the error that was caught.
func (e *Caught) Unwrap() error { return e.err }

func (e *Caught) String() string {
	return "error(" + starlark.String(e.err.Error()).String() + ")"
}

// MessageOf returns what err says: of what a script has said by fail(), just that.
func MessageOf(err error) string {
	text := err.Error()
	if said, ok := strings.CutPrefix(text, "fail: "); ok && KindOf(err) == "fail" {
		return said
	}
	return text
}

// AttrNames returns the names of what the error says.
func (e *Caught) AttrNames() []string { return []string{"backtrace", "kind", "message", "status"} }

// Attr returns what the error says.
func (e *Caught) Attr(name string) (starlark.Value, error) {
	switch name {
	case "message":
		return starlark.String(MessageOf(e.err)), nil
	case "backtrace":
		return starlark.String(cmp.Or(BacktraceOf(e.err), e.err.Error())), nil
	case "kind":
		return starlark.String(KindOf(e.err)), nil
	case "status":
		return starlark.MakeInt(cmp.Or(StatusOf(e.err), 500)), nil // what a server answers
	}
	return nil, nil
}
