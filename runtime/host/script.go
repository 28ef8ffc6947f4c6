package host

import (
	"bytes"

	"go.starlark.net/syntax"
)

// A Script is a file of a program that compiles, as what looks for mistakes in it is given it.
type Script struct {
	// Tree is the syntax, in which names are resolved. It must not be changed.
	Tree *syntax.File
	// Source is what stands in the file.
	Source []byte
	// Module returns the description of the host module that load("@name") is of, nil if there is
	// none.
	Module func(name string) *Module
	// Warn reports a place that is probably wrong.
	Warn func(pos syntax.Position, format string, args ...any)
}

// mark is a byte order mark in UTF-8, which some editors of Windows write before a text. Nobody
// sees it.
const mark = "\ufeff"

// Unmarked returns the source of a script without the byte order mark that it may begin with: the
// language has no such character.
func Unmarked(source []byte) []byte { return bytes.TrimPrefix(source, []byte(mark)) }
