// Package body is the host module @body: iterables for response bodies, which Starlark, having no
// generators, cannot make itself. Middleware is written with them.
//
//	body(iterable, close = None)   the blocks of iterable, with a close of its own
//	body_map(fn, iterable)         fn(block) for each block, one at a time, as they are asked for
//	body_chain(*iterables)         the blocks of one after the other
//	ticks(seconds, count = None)   0, 1, 2, ... with a pause before each
//
// All are lazy: a block is made when the server asks for it, after the one before has reached the
// client. All have a close method, which closes what they were made of (PEP 3333, "Middleware":
// middleware must call the close of what it wraps) and runs once. Their callbacks run on the thread of the
// request.
package body

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

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

// An iterable is any of the bodies of this package. It belongs to one request.
type iterable struct {
	name   string
	thread *starlark.Thread
	start  func(*iterable) nexter
	length int // or -1
	parts  []starlark.Value
	close  starlark.Value // nil for none
	closed bool
}

// A nexter makes the next block; false at the end.
type nexter func() (starlark.Value, bool, error)

var (
	_ starlark.Sequence = (*sized)(nil)
	_ starlark.Iterable = (*iterable)(nil)
	_ starlark.HasAttrs = (*iterable)(nil)
)

func (b *iterable) String() string        { return "<" + b.name + ">" }
func (b *iterable) Type() string          { return b.name }
func (b *iterable) Freeze()               {}
func (b *iterable) Truth() starlark.Bool  { return starlark.True }
func (b *iterable) Hash() (uint32, error) { return 0, errors.New("unhashable: " + b.name) }
func (b *iterable) AttrNames() []string   { return []string{"close"} }

func (b *iterable) Attr(name string) (starlark.Value, error) {
	if name != "close" {
		return nil, nil
	}
	return starlark.NewBuiltin("close", func(t *starlark.Thread, fn *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
		if err := starlark.UnpackPositionalArgs("close", args, kwargs, 0); err != nil {
			return nil, err
		}
		return starlark.None, b.end(t)
	}), nil
}

// end closes b and its parts, once, on t: the request's own thread may be cancelled by now.
func (b *iterable) end(t *starlark.Thread) error {
	if b.closed {
		return nil
	}
	b.closed = true
	var errs []error
	if b.close != nil {
		_, err := starlark.Call(t, b.close, nil, nil)
		errs = append(errs, err)
	}
	for _, part := range b.parts {
		if p, ok := part.(starlark.HasAttrs); ok {
			if c, err := p.Attr("close"); err == nil && c != nil {
				_, err := starlark.Call(t, c, nil, nil)
				errs = append(errs, err)
			}
		}
	}
	return errors.Join(errs...)
}

func (b *iterable) Iterate() starlark.Iterator { return &iterator{b: b, next: b.start(b)} }

// sized is an iterable that knows its length.
type sized struct{ iterable }

func (s *sized) Len() int { return s.length }

// An iterator tells a failure by Err to who can ask, and to the call itself for a script's for loop, which cannot.
type iterator struct {
	b    *iterable
	next nexter
	err  error
	over bool
}

func (i *iterator) Next(p *starlark.Value) bool {
	if i.over {
		return false
	}
	v, ok, err := i.next()
	switch {
	case err != nil:
		i.err = err
	case i.b.closed:
		i.err = fmt.Errorf("%s: iterated after close()", i.b.name)
	case ok:
		*p = v
		return true
	}
	i.over = true
	if i.err != nil {
		if call, ok := i.b.thread.Local("larkspur").(interface{ Fail(error) }); ok {
			call.Fail(i.err)
		}
	}
	return false
}

func (i *iterator) Done()      { i.over = true }
func (i *iterator) Err() error { return i.err }

// each iterates v and hands its error on.
func each(v starlark.Iterable) (starlark.Iterator, func() error) {
	iter := v.Iterate()
	return iter, func() error {
		if e, ok := iter.(interface{ Err() error }); ok {
			return e.Err()
		}
		return nil
	}
}

func newBody(t *starlark.Thread, fn *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var blocks starlark.Iterable
	var closing starlark.Value = starlark.None
	if err := starlark.UnpackArgs(fn.Name(), args, kwargs, "iterable", &blocks, "close?", &closing); err != nil {
		return nil, err
	}
	b := iterable{name: "body", thread: t, parts: []starlark.Value{blocks}, start: func(*iterable) nexter { return through(blocks, nil) }}
	if closing != starlark.None {
		if _, ok := closing.(starlark.Callable); !ok {
			return nil, fmt.Errorf("body: close is %s, not a function", closing.Type())
		}
		b.close = closing
	}
	return measured(b, blocks), nil
}

func newMap(t *starlark.Thread, fn *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var f starlark.Callable
	var blocks starlark.Iterable
	if err := starlark.UnpackArgs(fn.Name(), args, kwargs, "fn", &f, "iterable", &blocks); err != nil {
		return nil, err
	}
	b := iterable{name: "body_map", thread: t, parts: []starlark.Value{blocks}, start: func(b *iterable) nexter {
		return through(blocks, func(v starlark.Value) (starlark.Value, error) {
			return starlark.Call(b.thread, f, starlark.Tuple{v}, nil)
		})
	}}
	return measured(b, blocks), nil
}

// measured gives b the length of what it is made of, if that has one (PEP 3333, "Handling the
// Content-Length Header": len() must be true).
func measured(b iterable, of starlark.Iterable) starlark.Value {
	if b.length = starlark.Len(of); b.length >= 0 {
		return &sized{b}
	}
	return &b
}

// through gives the elements of blocks, changed by f if it is not nil.
func through(blocks starlark.Iterable, f func(starlark.Value) (starlark.Value, error)) nexter {
	iter, failed := each(blocks)
	return func() (starlark.Value, bool, error) {
		var v starlark.Value
		if !iter.Next(&v) {
			iter.Done()
			return nil, false, failed()
		}
		if f == nil {
			return v, true, nil
		}
		v, err := f(v)
		return v, err == nil, err
	}
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
	return &iterable{name: "body_chain", thread: t, length: -1, parts: args, start: func(*iterable) nexter {
		var current nexter
		rest := args
		return func() (starlark.Value, bool, error) {
			for {
				if current == nil {
					if len(rest) == 0 {
						return nil, false, nil
					}
					current, rest = through(rest[0].(starlark.Iterable), nil), rest[1:]
				}
				v, ok, err := current()
				if ok || err != nil {
					return v, ok, err
				}
				current = nil
			}
		}
	}}, nil
}

func newTicks(t *starlark.Thread, fn *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var seconds starlark.Value
	var limit starlark.Value = starlark.None
	if err := starlark.UnpackArgs(fn.Name(), args, kwargs, "seconds", &seconds, "count?", &limit); err != nil {
		return nil, err
	}
	s, ok := starlark.AsFloat(seconds)
	if !ok || !(s >= 0 && s <= 1e6) {
		return nil, fmt.Errorf("ticks: seconds is %s, not a number from 0 to 1,000,000", seconds)
	}
	count := -1
	if limit != starlark.None {
		var err error
		if count, err = starlark.AsInt32(limit); err != nil || count < 0 {
			return nil, fmt.Errorf("ticks: count is %s, not a number from 0 on", limit)
		}
	}
	pause := time.Duration(s * float64(time.Second))
	b := iterable{name: "ticks", thread: t, length: count, start: func(*iterable) nexter {
		n := 0
		return func() (starlark.Value, bool, error) {
			if n == count {
				return nil, false, nil
			}
			if err := wait(t, pause); err != nil {
				return nil, false, err
			}
			n++
			return starlark.MakeInt(n - 1), true, nil
		}
	}}
	if count >= 0 {
		return &sized{b}, nil
	}
	return &b, nil
}

// wait waits for d, or until the call that t runs is over.
func wait(t *starlark.Thread, d time.Duration) error {
	ctx := context.Background()
	if call, ok := t.Local("larkspur").(interface{ Context() context.Context }); ok {
		ctx = call.Context()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err()
	case <-ctx.Done():
		return ctx.Err()
	}
}
