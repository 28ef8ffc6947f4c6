package runtime

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// Do calls the function that the program was loaded for, whatever it is a function of, in a request
// of its own, and returns what it returns. Arguments are Go values, converted as by [host.Value],
// or values of Starlark, and [host.Unpack] makes the result a Go value. Calls may run at the same
// time; a value of Starlark that several of them get has to be frozen.
//
// Nothing of the call goes on when Do has returned: an iterable of the host that is a result may
// have nothing to read from any more.
//
// The error is that of [Program.Call], and begins with the line of script that was running. For a
// limit it is a [LimitError], for what the script ran into a *starlark.EvalError. One without a line
// came before the script: an argument that no script can have, which it names, or what is missing.
func (p *Program) Do(ctx context.Context, args ...any) (starlark.Value, error) {
	return do(ctx, p, args)
}

// Do calls the function of the program that serves now: see [Program.Do].
func (l *Live) Do(ctx context.Context, args ...any) (starlark.Value, error) {
	return do(ctx, l, args)
}

func do(ctx context.Context, p host.App, args []any) (v starlark.Value, err error) {
	values := make(starlark.Tuple, len(args))
	for i, x := range args {
		if values[i], err = host.Value(x); err != nil {
			return nil, fmt.Errorf("runtime: argument %d, a %T: %w", i+1, x, err)
		}
	}
	r := p.Begin()
	defer r.End()
	err = r.Call(ctx, func(_ context.Context, t *starlark.Thread, fn starlark.Callable) error {
		if fn == nil {
			return errors.New("runtime: the program was loaded for its globals, not for a function")
		}
		v, err = starlark.Call(t, fn, values, nil)
		return err
	})
	if err != nil {
		return nil, located(err)
	}
	return v, nil
}

// located has the message of err begin with its place, if it has one and does not say it.
func located(err error) error {
	place := host.PlaceOf(err)
	if place == "" || strings.Contains(err.Error(), place) {
		return err
	}
	return fmt.Errorf("%s: %w", place, err)
}
