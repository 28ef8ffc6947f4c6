package runtime

import (
	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// A trail finds the line of script that a limit stopped. Few instructions have a position of their
// own; the others count as where the code before them is, which at the head of a loop is a line
// before the loop. So the script goes on for a few steps, and the furthest line it comes to in the
// function that it was in is where it was; of its columns the first that it comes to, so that the
// place does not depend on the step that the limit fell on.
type trail struct {
	steps int // followed so far
	depth int // of the function
	pos   syntax.Position
	stack starlark.CallStack
}

// follow looks where t is, and reports whether it should look again after the next step.
func (r *trail) follow(t *starlark.Thread) bool {
	const enough = 32
	pos := t.CallFrame(0).Pos
	further := pos.Line > r.pos.Line || pos.Line == r.pos.Line && pos.Col < r.pos.Col
	if t.CallStackDepth() == r.depth && further {
		r.pos, r.stack = pos, t.CallStack()
	}
	r.steps++
	return r.steps < enough
}
