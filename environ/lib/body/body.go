// Package body is the host module @body: iterables for response bodies, which Starlark, having no
// generators, cannot make itself. Middleware is written with them.
//
//	body(iterable, close = None)   the blocks of iterable, with a close of its own
//	body_map(fn, iterable)         fn(block) for each block, one at a time, as they are asked for
//	body_chain(*iterables)         the blocks of one after the other
//	ticks(seconds, count = None)   0, 1, 2, ... with a pause before each
//
// All are lazy: a block is made when the server asks for it, after the one before has reached the
// client. All have a close method, which runs once: it closes what they were made of (PEP 3333, "Middleware":
// middleware must call the close of what it wraps), and then calls what body was given, as Rack's BodyProxy and
// werkzeug's ClosingIterator do. Their callbacks run on the thread of the request, to which they belong: one that is
// made while a module is loaded cannot be used.
package body

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// Module is the host module @body.
func Module(fs.FS) (starlark.StringDict, error) {
	return starlark.StringDict{
		"body":       starlark.NewBuiltin("body", newBody),
		"body_map":   starlark.NewBuiltin("body_map", newMap),
		"body_chain": starlark.NewBuiltin("body_chain", newChain),
		"ticks":      starlark.NewBuiltin("ticks", newTicks),
	}, nil
}

func newBody(t *starlark.Thread, fn *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var blocks starlark.Iterable
	var closing starlark.Value = starlark.None
	if err := starlark.UnpackArgs(fn.Name(), args, kwargs, "iterable", &blocks, "close?", &closing); err != nil {
		return nil, err
	}
	b := &host.Iterable{Object: "body", Thread: t, Parts: []starlark.Value{blocks}}
	b.Start = func() host.Steps { return host.Each(blocks, nil) }
	if closing != starlark.None {
		var ok bool
		if b.OnClose, ok = closing.(starlark.Callable); !ok {
			return nil, fmt.Errorf("body: close is %s, not a function", closing.Type())
		}
	}
	return b.Sized(starlark.Len(blocks)), nil
}

func newMap(t *starlark.Thread, fn *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var f starlark.Callable
	var blocks starlark.Iterable
	if err := starlark.UnpackArgs(fn.Name(), args, kwargs, "fn", &f, "iterable", &blocks); err != nil {
		return nil, err
	}
	b := &host.Iterable{Object: "body_map", Thread: t, Parts: []starlark.Value{blocks}}
	b.Start = func() host.Steps {
		return host.Each(blocks, func(v starlark.Value) (starlark.Value, error) {
			return starlark.Call(t, f, starlark.Tuple{v}, nil)
		})
	}
	return b.Sized(starlark.Len(blocks)), nil
}

func newChain(t *starlark.Thread, fn *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	if len(kwargs) > 0 {
		return nil, errors.New("body_chain: takes iterables, no keywords")
	}
	for i, v := range args {
		if _, ok := v.(starlark.Iterable); !ok {
			return nil, fmt.Errorf("body_chain: argument %d is %s, not an iterable of blocks", i+1, v.Type())
		}
	}
	return &host.Iterable{Object: "body_chain", Thread: t, Parts: args, Start: func() host.Steps { return chain(args) }}, nil
}

// chain gives the elements of one iterable after the other. Each is begun when the one before has ended.
func chain(rest starlark.Tuple) host.Steps {
	current := host.Steps{Done: func() {}}
	next := func() (starlark.Value, bool, error) {
		for {
			if current.Next != nil {
				v, ok, err := current.Next()
				if ok || err != nil {
					return v, ok, err
				}
				current.Done()
			}
			if len(rest) == 0 {
				current = host.Steps{Done: func() {}}
				return nil, false, nil
			}
			current, rest = host.Each(rest[0].(starlark.Iterable), nil), rest[1:]
		}
	}
	return host.Steps{Next: next, Done: func() { current.Done() }}
}
