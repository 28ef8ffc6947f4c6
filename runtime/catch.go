package runtime

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// catch(fn, *args, **kwargs) calls fn(*args, **kwargs) and returns (result, None), or
// (None, error) if that failed. Errors that end the whole call pass through.
func catch(t *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	if len(args) == 0 {
		return nil, errors.New("catch: missing argument fn: write catch(fn, *args, **kwargs)")
	}
	if _, ok := args[0].(starlark.Callable); !ok {
		return nil, fmt.Errorf("catch: got %s, want a function: write catch(fn, x), not catch(fn(x))", args[0].Type())
	}
	v, err := recovered(func() (starlark.Value, error) {
		return starlark.Call(t, args[0], args[1:], kwargs)
	})
	if err == nil {
		return starlark.Tuple{v, starlark.None}, nil
	}
	err = host.Bound(err)
	if c := callOf(t); c != nil {
		if host.Aborted(err) {
			c.Fail(err)
		}
		if c.over() {
			return nil, err
		}
		if host.Panicked(err) {
			c.logPanic(err) // the script may go on as if it had not been
		}
	}
	return starlark.Tuple{starlark.None, &caught{"error", err}}, nil
}

// logPanic logs a fault of Go code that the script has caught.
func (c *call) logPanic(err error) {
	place := cmp.Or(host.PlaceOf(err), placeOf(c.thread.CallStack()))
	c.log().LogAttrs(&c.ctx, slog.LevelError, err.Error(),
		slog.String("place", place), slog.String("backtrace", host.BacktraceOf(err)))
}

// A caught is the error value of a script: .message, .backtrace, .kind, .status. It is also a Go
// error that wraps the one that was caught, so that host code which is given one (start_response,
// as its exc_info) finds the original by asserting the value to error.
type caught struct {
	host.Object
	err error
}

var (
	_ starlark.HasAttrs = (*caught)(nil)
	_ error             = (*caught)(nil)
)

func (e *caught) Error() string       { return e.err.Error() }
func (e *caught) Unwrap() error       { return e.err }
func (e *caught) String() string      { return "error(" + starlark.String(e.err.Error()).String() + ")" }
func (e *caught) AttrNames() []string { return []string{"backtrace", "kind", "message", "status"} }

func (e *caught) Attr(name string) (starlark.Value, error) {
	switch name {
	case "message":
		return starlark.String(e.err.Error()), nil
	case "backtrace":
		return starlark.String(cmp.Or(host.BacktraceOf(e.err), e.err.Error())), nil
	case "kind":
		return starlark.String(host.KindOf(e.err)), nil
	case "status":
		return starlark.MakeInt(statusOf(e.err)), nil
	}
	return nil, nil
}

// fail(*args, sep=" ") fails with a message, as the stock one does. fail(error) with an error that
// was caught raises that error again.
func fail(t *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	if len(args) == 1 && len(kwargs) == 0 {
		if e, ok := args[0].(*caught); ok {
			return nil, e.err
		}
	}
	sep := " "
	if err := starlark.UnpackArgs("fail", nil, kwargs, "sep?", &sep); err != nil {
		return nil, err
	}
	msg := "fail: "
	for i, v := range args {
		if i > 0 {
			msg += host.Cut(sep)
		}
		if s, ok := starlark.AsString(v); ok {
			msg += host.Cut(s)
		} else {
			msg += host.Show(v)
		}
		if len(msg) > host.MaxMessage {
			break
		}
	}
	return nil, failed(host.Cut(msg))
}

// failed is the error of a script that called fail.
type failed string

func (e failed) Error() string { return string(e) }
func (e failed) Kind() string  { return "fail" }

var _ host.Kinder = failed("")
