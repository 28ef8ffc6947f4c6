package runtime

import "go.starlark.net/starlark"

// A trail finds the line of script that a limit stopped. Few instructions have a position of their
// own; the others count as where the code before them is, which at the head of a loop is a line
// before the loop. So the script goes on for a few steps, and the furthest line it comes to in the
// function that it was in is where it was.
type trail struct {
	steps int // followed so far
	depth int // of the function
	line  int32
	stack starlark.CallStack
}

// follow looks where t is, and reports whether it should look again after the next step.
func (r *trail) follow(t *starlark.Thread) bool {
	const enough = 32
	if line := t.CallFrame(0).Pos.Line; t.CallStackDepth() == r.depth && line > r.line {
		r.line, r.stack = line, t.CallStack()
	}
	r.steps++
	return r.steps < enough
}
