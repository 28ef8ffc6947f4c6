package yaml

import (
	"cmp"

	"github.com/goccy/go-yaml/token"
)

const (
	maxBytes  = 1 << 20
	maxValues = 100_000
	maxDepth  = 100
	maxMarks  = 10 // anchors and tags, in a row
	// maxSquares is the sum of the squares of how many keys the mappings have. The library looks
	// at all keys of one for each of them, and recurs for each: 7,000 keys in one mapping take
	// half a second.
	maxSquares = 50_000_000
	// maxPaths is how many bytes the paths of all values may have, which the library writes out
	// for each.
	maxPaths = 64 << 20
)

// A level is a collection of a block that is open.
type level struct {
	column int
	key    bool // it is a mapping
	keys   int
}

// A shape is what is known of a text from its tokens.
type shape struct {
	levels  []level
	flow    int // brackets that are open
	depth   int // at most
	marks   int // in a row
	squares int
	longest int // key
}

// bounded returns an error for tokens that the parser would take too long for, or too deep a
// stack, which ends the process.
func bounded(tokens token.Tokens) error {
	var s shape
	line, first, counted := 0, 0, false
	for i, tk := range tokens {
		if tk.Position.Line != line {
			line, first, counted = tk.Position.Line, 0, false
		}
		column := tk.Position.Column
		s.marks++
		switch tk.Type {
		case token.AnchorType, token.TagType:
		default:
			s.marks = 0
		}
		switch tk.Type {
		case token.SequenceStartType, token.MappingStartType:
			s.flow++
		case token.SequenceEndType, token.MappingEndType:
			s.flow = max(s.flow-1, 0)
		case token.DocumentHeaderType, token.DocumentEndType:
			s.levels, s.flow = nil, 0
		case token.SequenceEntryType:
			if s.flow == 0 {
				s.enter(column, false)
			}
		case token.MappingKeyType:
			if s.flow == 0 {
				s.enter(column, true)
			}
		case token.MappingValueType:
			if i > 0 {
				s.longest = max(s.longest, len(tokens[i-1].Value))
			}
			if s.flow == 0 && !counted {
				s.enter(cmp.Or(first, column), true)
				counted = true
			}
		}
		if first == 0 && tk.Type != token.SequenceEntryType {
			first = column
		}
		s.depth = max(s.depth, len(s.levels)+s.flow)
		switch {
		case s.depth > maxDepth || s.marks > maxMarks:
			return failure(tk, "nested deeper than %d", maxDepth)
		case s.squares > maxSquares:
			return failure(tk, "too many keys in one mapping: 7,000 are read")
		case i > 4*maxValues:
			return failure(tk, "more than %d values", maxValues)
		}
	}
	if s.depth*(s.longest+8)*len(tokens) > maxPaths {
		return failure(nil, "nested too deep for keys that are so long")
	}
	return nil
}

// enter goes to the element of a block that begins in a column.
func (s *shape) enter(column int, key bool) {
	n := len(s.levels)
	for n > 0 && (s.levels[n-1].column > column || key && !s.levels[n-1].key &&
		s.levels[n-1].column == column) {
		n--
	}
	s.levels = s.levels[:n]
	if n == 0 || s.levels[n-1].column < column || s.levels[n-1].key != key {
		s.levels = append(s.levels, level{column: column, key: key})
		n++
	}
	s.depth = max(s.depth, n)
	if key {
		at := &s.levels[n-1]
		s.squares += 2*at.keys + 1
		at.keys++
	}
}
