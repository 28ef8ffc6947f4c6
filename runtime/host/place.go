package host

import (
	"bufio"
	"fmt"
	"io"
	"io/fs"
	"strconv"
	"strings"

	"go.starlark.net/syntax"
)

// A Place is where in a script something is. The zero Place is nowhere.
type Place struct {
	File string `json:"file"`           // path in the program's tree
	Line int    `json:"line,omitempty"` // from 1; 0 if the whole file is meant
	Col  int    `json:"col,omitempty"`  // from 1, in characters; 0 if the whole line is meant
}

// PlaceAt returns the place of a node of syntax, or of a frame of the call stack; the zero Place if
// that is no line of script.
func PlaceAt(pos syntax.Position) Place {
	if pos.Line <= 0 {
		return Place{}
	}
	return Place{File: pos.Filename(), Line: int(pos.Line), Col: int(pos.Col)}
}

// ParsePlace parses FILE:LINE:COL or FILE:LINE, as [Place.String] and a backtrace write them. It
// reports whether there is a line.
func ParsePlace(s string) (p Place, ok bool) {
	file, last := cutNumber(s)
	if last == 0 {
		return Place{}, false
	}
	if f, line := cutNumber(file); line > 0 {
		return Place{File: f, Line: line, Col: last}, true
	}
	return Place{File: file, Line: last}, true
}

// cutNumber cuts a positive number off the end of s, with the colon before it. It returns 0 if
// there is none.
func cutNumber(s string) (string, int) {
	i := strings.LastIndexByte(s, ':')
	if i <= 0 {
		return s, 0
	}
	n, err := strconv.Atoi(s[i+1:])
	if err != nil || n < 1 || s[i+1] == '+' {
		return s, 0
	}
	return s[:i], n
}

// FramePlace returns the place of a line of a backtrace, as [starlark.CallStack.String] writes it:
// "  FILE:LINE:COL: in FUNCTION". It reports whether it is one; a builtin has no place.
func FramePlace(line string) (p Place, ok bool) {
	text, indented := strings.CutPrefix(line, "  ")
	text, _, in := strings.Cut(text, ": in ")
	if !indented || !in || strings.ContainsAny(text, " \t") {
		return Place{}, false
	}
	if p, ok = ParsePlace(text); p.Col == 0 {
		return Place{}, false
	}
	return p, ok
}

// String writes FILE:LINE:COL, without what is not known.
func (p Place) String() string {
	switch {
	case p.Line == 0:
		return p.File
	case p.Col == 0:
		return fmt.Sprintf("%s:%d", p.File, p.Line)
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Col)
}

// A Line is one of an [Excerpt].
type Line struct {
	Number int    `json:"number"` // from 1
	Text   string `json:"text"`
	Here   bool   `json:"here"` // the place is on it
}

// Excerpt returns the line of a place, and as many as around before and after it, as they are in
// the tree now. There are none if the file cannot be read, the place has no line, or the tree is
// nil.
func Excerpt(tree fs.FS, p Place, around int) []Line {
	if tree == nil || p.Line == 0 {
		return nil
	}
	f, _, err := OpenRegular(tree, p.File)
	if err != nil {
		return nil
	}
	defer f.Close()
	return ExcerptFrom(f, p, around)
}

// ExcerptFrom is [Excerpt] of a file that is read from r.
func ExcerptFrom(r io.Reader, p Place, around int) []Line {
	if p.Line == 0 {
		return nil
	}
	var lines []Line
	scan := bufio.NewScanner(r) // a line that is longer than its buffer ends the excerpt
	for n := 1; n <= p.Line+around && scan.Scan(); n++ {
		if n >= p.Line-around {
			text := scan.Text()
			if n == 1 {
				text = strings.TrimPrefix(text, mark)
			}
			lines = append(lines, Line{n, text, n == p.Line})
		}
	}
	return lines
}

// A placedError is an error of Go code, with the line of script that it is about.
type placedError struct {
	err error
	pos syntax.Position
}

func (e *placedError) Error() string { return e.err.Error() }
func (e *placedError) Unwrap() error { return e.err }
func (e *placedError) Place() string { return e.pos.String() }
