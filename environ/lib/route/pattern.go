package route

import (
	"fmt"
	"regexp/syntax"
	"slices"
	"strings"
)

// A pattern is a path with parameters, as a route has it. It is immutable.
type pattern struct {
	text     string // as it was written, with the prefixes of its groups
	segments []*segment
	names    []string // of the parameters, in order
	tail     bool     // the last parameter takes all that is left of the path
}

// Bounds of what an author writes, so that what is made of it is bounded.
const (
	maxPattern = 2000 // bytes
	maxParams  = 8
)

// parsePattern parses a pattern. It is total: what is wrong is an error that says what to write.
func parsePattern(text string) (*pattern, error) {
	p := &pattern{text: text}
	switch {
	case len(text) > maxPattern:
		return nil, fmt.Errorf("the pattern has more than %d bytes", maxPattern)
	case text == "":
		return p, nil
	case text[0] != '/':
		return nil, fmt.Errorf("the pattern %q does not begin with a slash: write %q", text,
			"/"+text)
	}
	for rest := text; rest != ""; {
		rest = rest[1:] // the slash
		s, n, err := parseSegment(rest)
		if err != nil {
			return nil, fmt.Errorf("the pattern %q: %w", text, err)
		}
		rest = rest[n:]
		if s.literal == "" && len(s.parts) == 0 && rest != "" {
			return nil, fmt.Errorf("the pattern %q has two slashes in a row: write one", text)
		}
		if err := p.add(s, rest != ""); err != nil {
			return nil, fmt.Errorf("the pattern %q: %w", text, err)
		}
	}
	return p, nil
}

// add adds a segment. more says that others follow.
func (p *pattern) add(s *segment, more bool) error {
	for _, part := range s.parts {
		if part.name == "" {
			continue
		}
		if slices.Contains(p.names, part.name) {
			return fmt.Errorf("two parameters are called %s", part.name)
		}
		if p.names = append(p.names, part.name); len(p.names) > maxParams {
			return fmt.Errorf("there are more than %d parameters", maxParams)
		}
		if part.kind == kindPath {
			if more || len(s.parts) > 1 {
				return fmt.Errorf("{%s:path} takes all that is left: it is the last of a pattern, "+
					"between slashes", part.name)
			}
			p.tail = true
		}
	}
	p.segments = append(p.segments, s)
	return nil
}

// join returns the pattern that continues p, which is the prefix of a group, with q.
func (p *pattern) join(q *pattern) (*pattern, error) {
	if len(p.segments) == 0 {
		return q, nil
	}
	all := &pattern{text: p.text + q.text}
	for _, part := range []*pattern{p, q} {
		for _, s := range part.segments {
			if err := all.add(s, part == p && q.text != ""); err != nil {
				return nil, fmt.Errorf("the pattern %q: %w", all.text, err)
			}
		}
	}
	return all, nil
}

// parseSegment parses what stands before the next slash, and returns how many bytes it is. A slash
// inside of braces is a part of them.
func parseSegment(text string) (s *segment, n int, err error) {
	s = new(segment)
	for n < len(text) && text[n] != '/' {
		if text[n] != '{' {
			end := n + strings.IndexAny(text[n:]+"/", "/{")
			if err := literal(text[n:end]); err != nil {
				return nil, 0, err
			}
			s.parts = append(s.parts, part{text: text[n:end]})
			n = end
			continue
		}
		part, size, err := parseParam(text[n:])
		if err != nil {
			return nil, 0, err
		}
		if k := len(s.parts); k > 0 && s.parts[k-1].name != "" {
			return nil, 0, fmt.Errorf("nothing stands between {%s} and {%s}, which tells where one "+
				"ends", s.parts[k-1].name, part.name)
		}
		s.parts = append(s.parts, part)
		n += size
	}
	return s, n, s.compile()
}

// literal reports what is wrong with the text of a pattern: what other libraries write for a
// parameter, and what no path has once it is decoded.
func literal(text string) error {
	switch i := strings.IndexAny(text, "}<>?#*"); {
	case i >= 0 && text[i] == '}':
		return fmt.Errorf("a } without a {")
	case i >= 0 && (text[i] == '<' || text[i] == '>'):
		return fmt.Errorf("%q: a parameter is written {id} or {id:int}", text)
	case i >= 0 && text[i] == '*':
		return fmt.Errorf("%q: what takes all that is left is written {rest:path}", text)
	case i >= 0:
		return fmt.Errorf("%q: a pattern has the path only, no %c", text, text[i])
	}
	if len(text) > 1 && text[0] == ':' && identifier(text[1:]) {
		return fmt.Errorf("%q: a parameter is written {%s}", text, text[1:])
	}
	for i := range len(text) - 2 {
		if text[i] == '%' && hexDigit(text[i+1]) && hexDigit(text[i+2]) {
			return fmt.Errorf("%q: a pattern is compared with the decoded path: write %q as what "+
				"it stands for", text, text[i:i+3])
		}
	}
	return nil
}

// parseParam parses a parameter with its braces, with which text begins.
func parseParam(text string) (p part, n int, err error) {
	end := strings.IndexByte(text, '}')
	if end < 0 {
		return p, 0, fmt.Errorf("%q: a { without a }", text)
	}
	name, kind, typed := strings.Cut(text[1:end], ":")
	if !identifier(name) {
		return p, 0, fmt.Errorf("%q: %q is no name of a parameter: write {id} or {id:int}",
			text[:end+1], name)
	}
	p.name = name
	if expression, is := strings.CutPrefix(text[1+len(name):], ":re("); is {
		// The first ")}" that makes a whole of what stands before it ends the expression: any other
		// stands inside of a group, of a class, or behind a backslash.
		for i := 0; ; i++ {
			next := strings.Index(expression[i:], ")}")
			if next < 0 {
				return p, 0, badExpression(name, expression)
			}
			if i += next; i == 0 {
				return p, 0, fmt.Errorf("{%s:re()}: there is no expression", name)
			}
			if _, err := syntax.Parse(expression[:i], syntax.Perl); err == nil {
				p.kind, p.expression = kindRE, expression[:i]
				return p, 1 + len(name) + len(":re(") + i + len(")}"), nil
			}
		}
	}
	if !typed {
		p.kind = kindPlain
		return p, end + 1, nil
	}
	for k, row := range kinds {
		if row.name == kind && kind != "" {
			p.kind = kindOf(k)
			return p, end + 1, nil
		}
	}
	return p, 0, fmt.Errorf("%q: there is no type %q: it is one of int, float, uuid, path, or "+
		"re(...) with an expression", text[:end+1], kind)
}

// badExpression says what is wrong with an expression that nothing ends, or whose whole is none.
func badExpression(name, expression string) error {
	text := expression
	if i := strings.LastIndex(text, ")}"); i >= 0 {
		text = text[:i]
	} else {
		return fmt.Errorf("{%s:re(: the expression is not ended by )}", name)
	}
	_, err := syntax.Parse(text, syntax.Perl)
	return fmt.Errorf("{%s:re(...)}: %w", name, err)
}

// identifier reports whether s can be the name of a parameter of a function.
func identifier(s string) bool {
	for i := range len(s) {
		c := s[i]
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '_'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return s != ""
}

func hexDigit(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'f'
}
