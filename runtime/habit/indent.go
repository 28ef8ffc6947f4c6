package habit

import (
	"fmt"
	"strings"

	"go.starlark.net/syntax"
)

// indented reports whether an error of the parser is of how lines begin.
func indented(message string) bool {
	return strings.HasPrefix(message, "unindent does not match") || strings.HasPrefix(message, "got indent") ||
		strings.HasSuffix(message, "want indent")
}

// indentation says of a line that begins in another column than its block which one it is to begin in.
func (s *spot) indentation(e syntax.Error) syntax.Error {
	lines := strings.Split(s.src, "\n")
	at := int(e.Pos.Line) - 1
	if at < 0 || at >= len(lines) {
		return e
	}
	line := lines[at]
	text := strings.TrimLeft(line, " \t")
	above := "" // the line before that has something in it
	for i := at - 1; i >= 0 && above == ""; i-- {
		if bare := strings.TrimSpace(lines[i]); bare != "" && bare[0] != '#' {
			above = lines[i]
		}
	}
	is := len(line) - len(text)
	want := len(above) - len(strings.TrimLeft(above, " \t"))
	said := ""
	switch {
	case strings.HasSuffix(e.Msg, "want indent"):
		want += 4
		said = "the block of the line before is indented, this line is not"
	case strings.HasPrefix(e.Msg, "got indent"):
		said = fmt.Sprintf("this line is indented by %d, and the block that it is in by %d", is, want)
	default:
		outer := s.outer(lines[:at], is)
		said = fmt.Sprintf("this line is indented by %d, and no block around it is: they are by %s", is, outer.list)
		want = outer.near
	}
	e.Msg = fmt.Sprintf("%s; write %d blanks before %s", said, want, strings.TrimRight(text, " \r"))
	name := e.Pos.Filename()
	e.Pos = syntax.MakePosition(&name, e.Pos.Line, int32(is+1))
	return e
}

// columns are those of the blocks around a line.
type columns struct {
	list string
	near int // that which is nearest to the line's own
}

// outer returns the columns of the blocks that are open behind lines.
func (s *spot) outer(lines []string, is int) columns {
	open := []int{0}
	for _, line := range lines {
		text := strings.TrimSpace(line)
		if text == "" || text[0] == '#' {
			continue
		}
		col := len(line) - len(strings.TrimLeft(line, " \t"))
		for len(open) > 1 && open[len(open)-1] > col {
			open = open[:len(open)-1]
		}
		if col > open[len(open)-1] {
			open = append(open, col)
		}
	}
	c := columns{near: open[0]}
	for i, col := range open {
		switch {
		case i > 0 && i == len(open)-1:
			c.list += " and "
		case i > 0:
			c.list += ", "
		}
		c.list += fmt.Sprint(col)
		if max(col-is, is-col) <= max(c.near-is, is-c.near) {
			c.near = col
		}
	}
	return c
}
