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

// arrange gives the tokens their roles, and puts commas after the last items of lists.
func arrange(in []token) []token {
	out := make([]token, 0, len(in)+16)
	nests := []nest{{last: -1}}
	prev := -1 // the last token in out that is no comment
	for _, t := range in {
		top := &nests[len(nests)-1]
		if t.kind == comment {
			out = append(out, t)
			continue
		}
		operand := prev >= 0 && out[prev].ends()
		if len(nests) == 1 {
			begins := t.lines > 0 || prev < 0 || out[prev].role == headerEnds || out[prev].is(";")
			if begins {
				*top = nest{last: -1, header: t.is(headers...)}
				operand = false
			}
		}
		switch {
		case t.is("lambda"):
			top.lambdas++
		case t.is("for"):
			top.loops = true
		case t.is(":") && top.lambdas > 0:
			top.lambdas--
		case t.is(":") && top.role == subscript:
			t.role = sliced
		case t.is(":") && top.header:
			t.role = headerEnds
		case t.is("+", "-", "~", "*", "**") && !operand:
			t.role = unary
		case t.opens():
			t.role = opening(t.text, operand)
		}
		if t.closes() && len(nests) > 1 {
			out = comma(out, top, t)
			nests = nests[:len(nests)-1]
			top = &nests[len(nests)-1]
		} else if top.last < 0 || out[top.last].is(",") {
			top.starred = t.role == unary && strings.HasPrefix(t.text, "*")
		}
		out = append(out, t)
		prev = len(out) - 1
		top.last = prev
		if t.opens() {
			nests = append(nests, nest{role: t.role, last: -1})
		}
	}
	return out
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
