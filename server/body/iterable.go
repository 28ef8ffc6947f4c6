package body

import (
	"errors"
	"fmt"

	"github.com/larkspur-web/larkspur/environ"
	"go.starlark.net/starlark"
)

// An iterable is any of the bodies of this package. It belongs to one request.
type iterable struct {
	name    string
	thread  *starlark.Thread
	start   func() steps
	length  int // or -1
	parts   []starlark.Value
	closing starlark.Callable // nil for none
	closed  bool
	frozen  bool // it was made by a module, for all requests
}

// steps are how an iteration goes.
type steps struct {
	next func() (starlark.Value, bool, error) // the next block; false at the end
	done func()                               // lets go of what is iterated
}

var (
	_ starlark.Sequence = (*sized)(nil)
	_ starlark.Iterable = (*iterable)(nil)
	_ starlark.HasAttrs = (*iterable)(nil)
)

func (b *iterable) String() string        { return "<" + b.name + ">" }
func (b *iterable) Type() string          { return b.name }
func (b *iterable) Freeze()               { b.frozen = true }
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

// end closes the parts of b and then b itself, once, on t: the request's own thread may be cancelled by now.
func (b *iterable) end(t *starlark.Thread) error {
	if b.closed || b.frozen {
		return nil
	}
	b.closed = true
	var errs []error
	for _, part := range b.parts {
		if p, ok := part.(starlark.HasAttrs); ok {
			if c, err := p.Attr("close"); err == nil && c != nil {
				_, err := starlark.Call(t, c, nil, nil)
				errs = append(errs, err)
			}
		}
	}
	if b.closing != nil {
		_, err := starlark.Call(t, b.closing, nil, nil)
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

func (b *iterable) Iterate() starlark.Iterator {
	i := &iterator{b: b}
	if b.frozen {
		i.err = fmt.Errorf("%s: it was made while a module was loaded; make one in each request", b.name)
		return i
	}
	i.steps = b.start()
	return i
}

// sized is an iterable that knows its length.
type sized struct{ iterable }

func (s *sized) Len() int { return s.length }

// An iterator tells a failure by Err to who can ask, and to the call itself for a script's for loop, which cannot.
type iterator struct {
	b     *iterable
	steps steps
	err   error
	over  bool
}

func (i *iterator) Next(p *starlark.Value) bool {
	if i.over || i.err != nil {
		return false
	}
	v, ok, err := i.step()
	if ok {
		*p = v
		return true
	}
	i.Done()
	if i.err = err; err != nil {
		environ.Fail(i.b.thread, err)
	}
	return false
}

func (i *iterator) step() (starlark.Value, bool, error) {
	if i.b.closed {
		return nil, false, fmt.Errorf("%s: iterated after close()", i.b.name)
	}
	return i.steps.next()
}

func (i *iterator) Done() {
	if !i.over && i.steps.done != nil {
		i.steps.done()
	}
	i.over = true
}

func (i *iterator) Err() error { return i.err }
