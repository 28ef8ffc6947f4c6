// Package trace finds out what the variables of a script held when a call of it failed. It costs
// a call that succeeds one frame more, and a few nanoseconds for each of its first steps.
//
// # The model
//
// Starlark has no hook for a failure, and by the time that a caller is told of one the frames are
// gone. But while they are there the interpreter asks each of them for its name, to write the
// call stack into the error. So [Wrap] has a call run inside a frame of its own, below all
// others, whose name is asked for at that moment: it notes what the variables of the frames above
// it are. A stack is also written for print() and for a failure that the script catches; what was
// noted last is what belongs to the failure that ended the call.
//
// One frame has lost its variables by then: that of the function in which an operator failed. A
// [lookout] has seen them: it is called between steps of the interpreter, each of the first
// thousand and every eighth after that, so that a long computation is not slowed down. Where it
// has not seen them they are not shown.
//
// The values are shown once the call has failed, by a writer that is bounded ([Show]): a script
// can make values that have no end when they are written.
package trace

import (
	"context"
	"errors"

	"github.com/larkspur-web/larkspur/runtime/frames"
	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// A Frame is one call that was active when a call failed, innermost first in a list of them.
type Frame struct {
	Name       string // of the function
	host.Place        // nowhere for a builtin
	Locals     []Local
}

// A Local is a variable and what it held, as [Show] writes it.
type Local struct {
	Name  string `json:"name"`
	Value string `json:"value"`
	Outer bool   `json:"outer,omitempty"` // it is a variable of a function around this one
}

// Bounds of what is kept of one failure.
const (
	maxFrames = 40  // the outer half and the inner half of a deeper stack
	maxLocals = 60  // of a frame
	maxValue  = 400 // bytes of a value
)

// An Error is the error of a call, with the frames in which it failed.
type Error struct {
	Frames  []Frame
	Omitted int // frames in the middle that are not among Frames
	Err     error
}

func (e *Error) Error() string { return e.Err.Error() }
func (e *Error) Unwrap() error { return e.Err }

// Wrap returns app, whose calls fail with an *[Error] if a script failed. The function ended, if
// it is not nil, is told of the end of each call: how many steps the interpreter took, and the
// error.
func Wrap(app host.App, ended func(ctx context.Context, steps uint64, err error)) host.App {
	return host.Around(app, func(ctx context.Context, call host.AppFunc, use host.Use) error {
		b := base{use: use}
		err := call(ctx, func(inner context.Context, t *starlark.Thread, app starlark.Callable) error {
			b.ctx, b.thread, b.app = inner, t, app
			if w, ok := host.CallOf(t).(host.Watcher); ok {
				b.lookout.thread = t
				b.lookout.at, _ = inner.Value(followKey{}).(func(host.Place))
				w.Watch(b.lookout.look)
			}
			defer func() { b.steps = t.ExecutionSteps() }()
			_, _ = starlark.Call(t, &b, nil, nil) // what use returns is in b.err
			return b.err
		})
		if err != nil {
			err = b.explain(err)
		}
		if ended != nil {
			ended(ctx, b.steps, err)
		}
		return err
	})
}

// A base is the callable of the frame below all others.
type base struct {
	use    host.Use
	ctx    context.Context
	thread *starlark.Thread
	app    starlark.Callable
	err    error
	steps  uint64
	noted  []noted // innermost first
	depth  int     // of the stack that was noted

	lookout lookout
}

// A noted frame is one that was active, with values that are not written yet.
type noted struct {
	fn     starlark.Callable
	pos    syntax.Position
	locals []variable
}

type variable struct {
	name  string
	value starlark.Value
	outer bool
}

func (b *base) CallInternal(*starlark.Thread, starlark.Tuple,
	[]starlark.Tuple) (starlark.Value, error) {
	b.err = b.use(b.ctx, b.thread, b.app)
	return starlark.None, nil
}

// Name is asked for when a call stack is written: see the model.
func (b *base) Name() string {
	b.note()
	return "the server"
}

// Position says that the frame is not one of a script, and no builtin of Starlark's either.
func (b *base) Position() syntax.Position { return syntax.MakePosition(&request, 0, 0) }

var request = "<request>"

func (b *base) String() string        { return "<request>" }
func (b *base) Type() string          { return "request" }
func (b *base) Freeze()               {}
func (b *base) Truth() starlark.Bool  { return starlark.True }
func (b *base) Hash() (uint32, error) { return 0, errors.New("unhashable: request") }

// note notes the frames that are active now.
func (b *base) note() {
	t := b.thread
	b.depth = t.CallStackDepth() - 1 // without this one
	b.noted = b.noted[:0]
	for i := range b.depth {
		if b.depth > maxFrames && i >= maxFrames/2 && i < b.depth-maxFrames/2 {
			continue
		}
		f := t.DebugFrame(i)
		n := noted{fn: f.Callable(), pos: f.Position()}
		for j := range min(f.NumLocals(), maxLocals) {
			binding, v := f.Local(j)
			n.add(binding.Name, v, false)
		}
		if i == 0 && f.NumLocals() == 0 {
			for j, v := range b.lookout.seen(n.fn) {
				n.add(b.lookout.names[j], v, false)
			}
		}
		if fn, ok := n.fn.(*starlark.Function); ok {
			for j := range min(fn.NumFreeVars(), maxLocals-len(n.locals)) {
				binding, v := fn.FreeVar(j)
				n.add(binding.Name, v, true)
			}
		}
		b.noted = append(b.noted, n)
	}
}

// add adds a variable that has been assigned.
func (n *noted) add(name string, v starlark.Value, outer bool) {
	if v = frames.Held(v); name != "" && v != nil {
		n.locals = append(n.locals, variable{name, v, outer})
	}
}

// explain adds the frames to the error of a script.
func (b *base) explain(err error) error {
	eval := host.Innermost(err)
	var placed interface{ Place() string }
	switch {
	case eval != nil && !b.noticed(eval.CallStack):
		return &Error{Err: err, Frames: bare(eval.CallStack)}
	case eval == nil && !errors.As(err, &placed), len(b.noted) == 0:
		return err
	}
	e := &Error{Err: err, Omitted: b.depth - len(b.noted)}
	for _, n := range b.noted {
		f := Frame{Name: n.fn.Name(), Place: host.PlaceAt(n.pos)}
		for _, v := range n.locals {
			f.Locals = append(f.Locals, Local{v.name, Show(v.value, maxValue), v.outer})
		}
		e.Frames = append(e.Frames, f)
	}
	e.place(err)
	return e
}

// place moves the innermost line of the script to where the error says that it is: few steps of the
// interpreter have a place of their own, and a limit has looked for that of the one it stopped. One
// about what a function returned has the place of that, which none of the frames is.
func (e *Error) place(err error) {
	at, ok := host.ParsePlace(host.PlaceOf(err))
	if about := host.Returner(nil); errors.As(err, &about) {
		return
	}
	for i := range e.Frames {
		if f := &e.Frames[i]; f.Line > 0 {
			if ok && f.File == at.File {
				f.Place = at
			}
			return
		}
	}
}

// noticed reports whether what was noted last is that stack, and not the one of a print() that
// came after.
func (b *base) noticed(stack starlark.CallStack) bool {
	return len(stack) == b.depth+1 && len(b.noted) > 0 && stack.At(0).Pos == b.noted[0].pos
}

// bare are the frames of a stack of which nothing else is known.
func bare(stack starlark.CallStack) []Frame {
	var frames []Frame
	for i := range min(len(stack)-1, maxFrames) { // the last is the base
		frames = append(frames, Frame{Name: stack.At(i).Name, Place: host.PlaceAt(stack.At(i).Pos)})
	}
	return frames
}
