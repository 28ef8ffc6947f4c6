package habit

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// isName reports whether a token is a word.
func isName(text string) bool {
	r, _ := utf8.DecodeRuneInString(text)
	return text != "" && (r == '_' || unicode.IsLetter(r))
}

// isNumber reports whether a token is a number.
func isNumber(text string) bool { return text != "" && text[0] >= '0' && text[0] <= '9' }

// isText reports whether a token is a string.
func isText(text string) bool { return text != "" && (text[0] == '"' || text[0] == '\'') }

// prefixed says how to write a string whose prefix Starlark does not have: the token is the string.
func (s *spot) prefixed() string {
	if s.i == 0 || s.tokens[s.i-1].end != s.tokens[s.i].start {
		return ""
	}
	prefix, literal := s.at(-1), s.at(0)
	s.i--
	switch strings.ToLower(prefix) {
	case "u":
		return "Starlark has no prefix u, all its strings are text; write " +
			s.replaced(s.i, s.i+2, literal)
	case "br":
		return "Starlark writes the prefix the other way; write " +
			s.replaced(s.i, s.i+2, "rb"+literal)
	case "f", "fr", "rf":
		raw := ""
		if len(prefix) == 2 {
			raw = "r"
		}
		return "Starlark has no f-strings; write " + s.replaced(s.i, s.i+2, raw+formatted(literal))
	}
	s.i++
	return ""
}

// formatted writes an f-string as a call of format. What a field says of its width is left out: it
// is not supported.
func formatted(literal string) string {
	var b strings.Builder
	var values []string
	for i := 0; i < len(literal); i++ {
		c := literal[i]
		b.WriteByte(c)
		switch {
		case c == '{' && i+1 < len(literal) && literal[i+1] == '{',
			c == '}' && i+1 < len(literal) && literal[i+1] == '}':
			i++
			b.WriteByte(c)
		case c == '{':
			n := field(literal[i+1:])
			value, conversion := cutField(literal[i+1 : i+1+n])
			values = append(values, value)
			b.WriteString(conversion)
			i += n
		}
	}
	if len(values) == 0 {
		return literal
	}
	return fmt.Sprintf("%s.format(%s)", b.String(), strings.Join(values, ", "))
}

// field returns the length of the field that s begins with, up to its closing brace.
func field(s string) int {
	depth := 0
	for i := range len(s) {
		switch s[i] {
		case '(', '[', '{':
			depth++
		case ')', ']':
			depth--
		case '}':
			if depth <= 0 {
				return i
			}
			depth--
		}
	}
	return len(s)
}

// cutField cuts a field into its value and its conversion.
func cutField(text string) (value, conversion string) {
	depth := 0
	for i := range len(text) {
		switch c := text[i]; {
		case c == '(' || c == '[' || c == '{':
			depth++
		case c == ')' || c == ']' || c == '}':
			depth--
		case depth > 0:
		case c == '!' && !strings.HasPrefix(text[i:], "!="):
			conversion = "!s"
			if strings.HasPrefix(text[i:], "!r") {
				conversion = "!r"
			}
			return strings.TrimSpace(text[:i]), conversion
		case c == ':':
			return strings.TrimSpace(text[:i]), ""
		}
	}
	return strings.TrimSpace(strings.TrimSuffix(text, "=")), ""
}
