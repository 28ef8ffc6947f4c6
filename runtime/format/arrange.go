package format

import (
	"slices"
	"strings"
)

// A nest is a bracket that is open, or, outside of all, a statement.
type nest struct {
	role    role
	last    int  // the last token in it that is no comment; -1 for none
	lambdas int  // whose colon is still to come
	loops   bool // it has a for: a comprehension takes no comma at its end
	starred bool // its last item begins with a star
	header  bool // a statement that has a block
}

// An arranger gives tokens their roles, and puts commas after the last items of lists.
type arranger struct {
	out   []token
	nests []nest // the statement, and the brackets that are open in it
	prev  int    // the last token in out that is no comment; -1 for none
}

func arrange(in []token) []token {
	a := arranger{out: make([]token, 0, len(in)+16), nests: []nest{{last: -1}}, prev: -1}
	for _, t := range in {
		if t.kind == comment {
			a.out = append(a.out, t)
		} else {
			a.add(t)
		}
	}
	return a.out
}

func (a *arranger) add(t token) {
	operand := a.prev >= 0 && a.out[a.prev].ends()
	if len(a.nests) == 1 && a.begins(&t) {
		a.nests[0] = nest{last: -1, header: t.is(headers...)}
		operand = false
	}
	top := &a.nests[len(a.nests)-1]
	t.role = top.next(&t, operand)
	if t.closes() && len(a.nests) > 1 {
		a.out = comma(a.out, top, t)
		a.nests = a.nests[:len(a.nests)-1]
		top = &a.nests[len(a.nests)-1]
	} else if top.last < 0 || a.out[top.last].is(",") {
		top.starred = t.role == unary && strings.HasPrefix(t.text, "*")
	}
	a.out = append(a.out, t)
	a.prev = len(a.out) - 1
	top.last = a.prev
	if t.opens() {
		a.nests = append(a.nests, nest{role: t.role, last: -1})
	}
}

// begins reports whether t, which is in no bracket, begins a statement.
func (a *arranger) begins(t *token) bool {
	return t.lines > 0 || a.prev < 0 || a.out[a.prev].role == headerEnds || a.out[a.prev].is(";")
}

// next returns the role of t, the next token in n. An operand may have ended before it.
func (n *nest) next(t *token, operand bool) role {
	switch {
	case t.is("lambda"):
		n.lambdas++
	case t.is("for"):
		n.loops = true
	case t.is(":"):
		return n.colon()
	case t.is("+", "-", "~", "*", "**") && !operand:
		return unary
	case t.opens():
		return opening(t.text, operand)
	}
	return plain
}

// colon returns the role of a colon in n.
func (n *nest) colon() role {
	switch {
	case n.lambdas > 0:
		n.lambdas--
	case n.role == subscript:
		return sliced
	case n.header:
		return headerEnds
	}
	return plain
}

func opening(bracket string, operand bool) role {
	switch {
	case bracket == "(" && operand:
		return call
	case bracket == "(":
		return group
	case bracket == "[" && operand:
		return subscript
	}
	return display
}

// comma puts a comma after the last item of n if its bracket closes, with t, on another line, and
// takes it away if it does not. What is in a group would become a tuple, or cease to be one.
func comma(out []token, n *nest, t token) []token {
	if n.last < 0 || n.role != call && n.role != display || n.loops || n.starred {
		return out
	}
	apart := t.lines > 0 || n.last < len(out)-1 // a comment ends its line
	switch has := out[n.last].is(","); {
	case apart && !has:
		return slices.Insert(out, n.last+1, token{kind: operator, text: ","})
	case !apart && has:
		return out[:n.last]
	}
	return out
}
