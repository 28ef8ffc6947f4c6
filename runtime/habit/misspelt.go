package habit

import (
	"fmt"
	"slices"
	"strings"

	"github.com/larkspur-web/larkspur/runtime/spell"
)

// statementWords are those that begin a statement; some stand alone.
var statementWords = []string{
	"return", "def", "for", "while", "if", "elif", "else", "pass", "break", "continue", "load",
}

// otherWords are those that begin a statement of another language.
var otherWords = map[string]string{
	"function": "def", "func": "def", "fn": "def", "fun": "def", "sub": "def", "elseif": "elif", "elsif": "elif",
	"unless": "if not", "until": "while not", "foreach": "for", "var": "", "let": "", "const": "", "local": "",
	"fi": "if",
}

// misspelt says which word of the language a line begins with, or has where the parser stopped, that is
// another.
func (s *spot) misspelt() string {
	first, end := s.line(s.i)
	word, text := s.tokens[first].text, s.at(0)
	if s.i == first+1 && isName(word) && !slices.Contains(statementWords, word) {
		other, known := otherWords[word]
		said := fmt.Sprintf("Starlark has no %s", word)
		if !known {
			if other = spell.Nearest(word, append(statementWords, "function"), 3); other == "" {
				return ""
			}
			if other == "function" {
				other = "def"
			}
			said = fmt.Sprintf("undefined: %s (did you mean %s?)", word, other)
		}
		s.i = first
		line := s.replaced(first, first+1, other)
		if s.tokens[end-1].text == "{" {
			line = strings.TrimRight(strings.TrimSuffix(line, "{"), " ") + ":"
		}
		return said + "; write " + line
	}
	if isName(text) && s.i > first {
		inside := []string{"and", "else", "not", "for"}
		if near := spell.Nearest(text, inside, 3); near != "" && near != text {
			return fmt.Sprintf("%s is no operator (did you mean %s?); write %s", text, near,
				s.replaced(s.i, s.i+1, near))
		}
	}
	return ""
}
