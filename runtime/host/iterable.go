package host

import (
	"errors"
	"fmt"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// An Iterable is a value that gives its elements when they are asked for, and has a close method:
// a body of a response, as Starlark, which has no generators, cannot make one. It belongs to one
// request.
//
// close runs once: it calls the close of each of Parts that has one, and then OnClose. It runs on
// the thread that calls it, because that of the request may be cancelled by then.
type Iterable struct {
	// Object is the name of the type.
	Object
	// Thread is the one that it was made on: an iteration that fails ends the call of that.
	Thread *starlark.Thread
	// Start begins an iteration.
	Start func() Steps
	// Parts are the values that it is made of.
	Parts []starlark.Value
	// OnClose is called by close; nil calls nothing.
	OnClose starlark.Callable

	closed bool
	frozen bool // it was made by a module, for all requests
	made   syntax.Position
}

// Steps are how an iteration goes.
type Steps struct {
	// Next returns the next element, and false when there is none, or an error. Nil means that Poll is
	// asked, and that the call waits meanwhile.
	Next func() (v starlark.Value, ok bool, err error)
	// Poll is as Next, but if the next element is still to come it returns a channel, which is closed when
	// it is to be asked again. Nil means that Next has to be waited for. See [Merge].
	Poll func() (v starlark.Value, ok bool, later <-chan struct{}, err error)
	// Done lets go of what is iterated. Nil lets go of nothing.
	Done func()
}

var (
	_ starlark.Sequence = (*sized)(nil)
	_ starlark.Iterable = (*Iterable)(nil)
	_ starlark.HasAttrs = (*Iterable)(nil)
	_ Poller            = (*iteration)(nil)
)

// Each returns the steps through v: each element, or what f makes of it if f is not nil.
func Each(v starlark.Iterable, f func(starlark.Value) (starlark.Value, error)) Steps {
	iter := v.Iterate()
	next := func() (v starlark.Value, ok bool, err error) {
		if !iter.Next(&v) {
			return nil, false, IterError(iter)
		}
		if f != nil {
			v, err = f(v)
		}
		return v, err == nil, err
	}
	steps := Steps{Next: next, Done: iter.Done}
	if p, ok := iter.(Poller); ok && p.Polls() {
		steps.Poll = func() (v starlark.Value, ok bool, later <-chan struct{}, err error) {
			if ok, later = p.Poll(&v); !ok {
				return nil, false, later, p.Err()
			}
			if f != nil {
				v, err = f(v)
			}
			return v, err == nil, nil, err
		}
	}
	return steps
}

// Sized returns b as a value that has n elements, so that len() can be asked; b itself if n is
// negative. It is called by the function that the script calls for it: that line is the place of
// what fails when no other line of the script runs, as in a body that the server iterates.
func (b *Iterable) Sized(n int) starlark.Iterable {
	if t := b.Thread; t != nil {
		for i := 0; i < t.CallStackDepth() && b.made.Line == 0; i++ {
			b.made = t.CallFrame(i).Pos
		}
	}
	if n < 0 {
		return b
	}
	return &sized{b, n}
}

// A sized is an Iterable that knows its length.
type sized struct {
	*Iterable
	length int
}

// Len returns the length.
func (s *sized) Len() int { return s.length }

// Freeze marks b as made for all requests at once: it cannot be iterated any more.
func (b *Iterable) Freeze() { b.frozen = true }

// AttrNames has the one method.
func (b *Iterable) AttrNames() []string { return []string{"close"} }

// Attr gives the method close.
func (b *Iterable) Attr(name string) (starlark.Value, error) {
	if name != "close" {
		return nil, nil
	}
	return starlark.NewBuiltin("close", func(
		t *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple,
	) (starlark.Value, error) {
		if err := starlark.UnpackPositionalArgs("close", args, kwargs, 0); err != nil {
			return nil, err
		}
		return starlark.None, b.close(t)
	}), nil
}

func (b *Iterable) close(t *starlark.Thread) error {
	if b.closed || b.frozen {
		return nil
	}
	b.closed = true
	var errs []error
	for _, part := range b.Parts {
		if p, ok := part.(starlark.HasAttrs); ok {
			if c, err := p.Attr("close"); err == nil && c != nil {
				_, err := starlark.Call(t, c, nil, nil)
				errs = append(errs, err)
			}
		}
	}
	if b.OnClose != nil {
		_, err := starlark.Call(t, b.OnClose, nil, nil)
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// Iterate begins an iteration.
func (b *Iterable) Iterate() starlark.Iterator {
	i := &iteration{b: b}
	if b.frozen {
		i.err = fmt.Errorf(
			"%s: it was made while a module was loaded; make one in each request", b.Type(),
		)
		return i
	}
	i.steps = b.Start()
	return i
}

// An iteration tells a failure by Err to who can ask, and to the call itself for a script's for
// loop, which cannot.
type iteration struct {
	b     *Iterable
	steps Steps
	err   error
	over  bool
}

func (i *iteration) Next(p *starlark.Value) bool {
	for {
		ok, later := i.ask(p, i.steps.Next == nil)
		if later == nil {
			return ok
		}
		if err := Await(i.b.Thread, later); err != nil {
			i.fail(err)
			return false
		}
	}
}

// Polls is [Poller]'s.
func (i *iteration) Polls() bool { return i.steps.Poll != nil }

// Poll is [Poller]'s.
func (i *iteration) Poll(p *starlark.Value) (ok bool, later <-chan struct{}) { return i.ask(p, true) }

// ask asks for the next element, by Poll or by Next.
func (i *iteration) ask(p *starlark.Value, poll bool) (ok bool, later <-chan struct{}) {
	if i.over || i.err != nil {
		return false, nil
	}
	var v starlark.Value
	var err error
	switch {
	case i.b.closed:
		err = fmt.Errorf("%s: iterated after close()", i.b.Type())
	case poll:
		v, ok, later, err = i.steps.Poll()
	default:
		v, ok, err = i.steps.Next()
	}
	switch {
	case ok:
		*p = v
	case later == nil || err != nil:
		i.fail(err)
		return false, nil
	}
	return ok, later
}

// fail ends the iteration, with an error if there is one.
func (i *iteration) fail(err error) {
	i.Done()
	if err != nil {
		if i.b.made.Line > 0 && PlaceOf(err) == "" {
			err = &placedError{err, i.b.made}
		}
		CallOf(i.b.Thread).Fail(err)
	}
	i.err = err
}

func (i *iteration) Done() {
	if !i.over && i.steps.Done != nil {
		i.steps.Done()
	}
	i.over = true
}

func (i *iteration) Err() error { return i.err }
