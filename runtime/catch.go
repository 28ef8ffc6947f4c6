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
	e, ended := host.Catch(t, err)
	if ended != nil {
		return nil, ended
	}
	return starlark.Tuple{starlark.None, e}, nil
}

var _ host.Catcher = (*call)(nil)

// Catch is [host.Catcher]'s.
func (c *call) Catch(err error) error {
	if host.Aborted(err) {
		c.Fail(err)
	}
	if c.over() {
		return err
	}
	if host.Panicked(err) {
		c.logPanic(err) // the script may go on as if it had not been
	}
	return nil
}

// logPanic logs a fault of Go code that the script has caught.
func (c *call) logPanic(err error) {
	place := cmp.Or(host.PlaceOf(err), placeOf(c.thread.CallStack()))
	c.log().LogAttrs(&c.ctx, slog.LevelError, err.Error(),
		slog.String("place", place), slog.String("backtrace", host.BacktraceOf(err)))
}

// fail(*args, sep=" ") fails with a message, as the stock one does. fail(error) with an error that
// was caught raises that error again.
func fail(t *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	if len(args) == 1 && len(kwargs) == 0 {
		if e, ok := args[0].(*host.Caught); ok {
			return nil, e.Unwrap()
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
