package toml

import (
	"fmt"
	"strings"
)

// The library recurs for each bracket, and compares each key with all before it. What it is given
// is bounded.
const (
	maxBytes = 1 << 20
	maxKeys  = 10_000
	maxDepth = 100 // of arrays, of inline tables and of the parts of a key
)

// bounded returns an error for a text that is beyond a limit. Of one that is no TOML it may see
// more or less than there is.
func bounded(text string) error {
	if len(text) > maxBytes {
		return fmt.Errorf("%d bytes of TOML are more than %d", len(text), maxBytes)
	}
	s := scanner{line: 1}
	for text != "" && s.keys <= maxKeys && s.depth <= maxDepth && s.dots <= maxDepth {
		text = s.next(text)
	}
	switch {
	case s.keys > maxKeys:
		return fmt.Errorf("line %d: more than %d keys", s.line, maxKeys)
	case s.depth > maxDepth || s.dots > maxDepth:
		return fmt.Errorf("line %d: nested deeper than %d", s.line, maxDepth)
	}
	return nil
}

// A scanner counts what is outside of strings and comments.
type scanner struct {
	line, keys, depth, dots int
}

// next skips a character, a string or a comment.
func (s *scanner) next(text string) string {
	switch c := text[0]; c {
	case '#':
		end := strings.IndexByte(text, '\n')
		if end < 0 {
			return ""
		}
		return text[end:]
	case '"', '\'':
		return s.quoted(text)
	case '=':
		s.keys, s.dots = s.keys+1, 0
	case '[', '{':
		// That of a header counts as a key: it is one to the library.
		s.depth, s.dots = s.depth+1, 0
		if s.depth == 1 && c == '[' {
			s.keys++
		}
	case ']', '}':
		s.depth, s.dots = max(s.depth-1, 0), 0
	case '.':
		s.dots++
	case ',':
		s.dots = 0
	case '\n':
		s.line, s.dots = s.line+1, 0
	}
	return text[1:]
}

// quoted skips a string, of one line or of several.
func (s *scanner) quoted(text string) string {
	mark := text[:1]
	if triple := strings.Repeat(mark, 3); strings.HasPrefix(text, triple) {
		mark = triple
	}
	for i := len(mark); i < len(text); i++ {
		switch {
		case text[i] == '\\' && mark[0] == '"':
			i++
		case text[i] == '\n' && len(mark) == 1:
			return text[i:] // it is not closed
		case text[i] == '\n':
			s.line++
		case strings.HasPrefix(text[i:], mark):
			return text[i+len(mark):]
		}
	}
	return ""
}
