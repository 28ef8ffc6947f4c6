package server

import (
	"context"
	"io"
	"slices"

	"github.com/larkspur-web/larkspur/environ"
	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// cleanUp closes the body and calls what on_finish was given, the last given first. It runs however
// the response ended: after a cancelled call too, which is why it has calls of its own, that the
// client cannot cut short. All of them together have the limits of one.
func (r *response) cleanUp(body starlark.Value, cause error) {
	r.close(body)
	if r.extra == nil || r.extra.finishers == nil {
		return
	}
	if r.sent {
		r.flush() // the client does not wait for it
	}
	ctx := context.WithoutCancel(r.r.Context())
	args := starlark.Tuple{starlark.MakeInt(int(r.status)), starlark.None}
	if cause != nil {
		args[1] = starlark.String(cause.Error())
	}
	for _, fn := range slices.Backward(r.extra.finishers) {
		r.guard(ctx, func(t *starlark.Thread) error {
			_, err := starlark.Call(t, fn, args, nil)
			return err
		})
	}
}

// close closes a body.
func (r *response) close(body starlark.Value) {
	if w, ok := body.(*environ.FileWrapper); ok {
		body = w.File()
	}
	if c, ok := body.(io.Closer); ok {
		if err := c.Close(); err != nil {
			r.uncleaned(err)
		}
		return
	}
	closing := closeOf(body)
	if closing == nil {
		return
	}
	if r.sent {
		r.flush() // the client does not wait for it
	}
	r.guard(context.WithoutCancel(r.r.Context()), func(t *starlark.Thread) error {
		_, err := starlark.Call(t, closing, nil, nil)
		return err
	})
}

// guard runs f on a thread of its own, so that one that fails leaves the others theirs.
func (r *response) guard(ctx context.Context, f func(*starlark.Thread) error) {
	_ = r.goOn(ctx) // which does not end
	err := r.lease.run.CleanUp(ctx, func(_ context.Context, t *starlark.Thread,
		_ starlark.Callable) error {
		r.calls(t)
		return f(t)
	})
	r.rest()
	if err != nil {
		r.uncleaned(err)
	}
}

func (r *response) uncleaned(err error) {
	if host.Aborted(err) {
		return // which asks for no record; there is no response any more
	}
	fault := environ.Errorf(environ.CodeCleanup, "", "clean-up after the response failed: %v", err)
	fault.Err = err
	r.report(&Failure{Status: int(r.status), Code: fault.Code, Err: fault})
}

// closeOf returns the close method of a body that has one.
// PEP 3333: it must be called whether the response went well or not.
func closeOf(body starlark.Value) starlark.Value {
	b, ok := body.(starlark.HasAttrs)
	if !ok {
		return nil
	}
	c, err := b.Attr("close")
	if err != nil || c == nil {
		return nil
	}
	return c
}
