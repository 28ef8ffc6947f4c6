package trace

import (
	"context"

	"github.com/larkspur-web/larkspur/runtime/frames"
	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// A lookout holds on to the variables of the function that runs. The interpreter lets go of them
// when an operator fails, before anybody is told.
type lookout struct {
	thread *starlark.Thread
	fn     starlark.Callable
	depth  int
	step   uint64
	locals []starlark.Value
	at     func(host.Place) // of [Follow]; or nil
	names  []string         // of locals, once they are asked for
}

// followKey is the key of what follows a call among the values of its context.
type followKey struct{}

// Follow returns ctx for a call that is followed: at is told where it is, at each step that is looked
// at. It has to be short.
func Follow(ctx context.Context, at func(host.Place)) context.Context {
	return context.WithValue(ctx, followKey{}, at)
}

const (
	closely = 1000 // steps that are looked at one by one
	seldom  = 8    // steps between two looks after that
)

// look is called between two steps, and returns how many may pass until the next time.
func (l *lookout) look() uint64 {
	t := l.thread
	frame := t.DebugFrame(0)
	l.fn, l.depth, l.step = frame.Callable(), t.CallStackDepth(), t.Steps
	l.locals = frames.Locals(frame)
	if l.at != nil {
		l.at(host.PlaceAt(frame.Position()))
	}
	if t.Steps > closely {
		return seldom
	}
	return 1
}

// seen returns the variables of fn, the innermost function, if they were seen just now: those of an
// earlier call of it would be wrong.
func (l *lookout) seen(fn starlark.Callable) []starlark.Value {
	f, ok := fn.(*starlark.Function)
	if !ok || l.thread == nil || l.fn != fn {
		return nil
	}
	if l.depth != l.thread.CallStackDepth() || l.thread.Steps-l.step >= seldom {
		return nil
	}
	l.names = l.names[:0]
	for i := range min(len(l.locals), maxLocals) {
		l.names = append(l.names, frames.Name(f, i))
	}
	return l.locals[:len(l.names)]
}
